#!/usr/bin/env python3
"""held.py MOST LEAST < watch events of a Deployment's pods, one JSON a line: after each event that
follows the first full set, at most MOST pods are there that are not on their way out, and at least
LEAST of them are Ready."""
import json
import sys

most, least = int(sys.argv[1]), int(sys.argv[2])
pods, events, full, broken = {}, 0, False, 0
for line in sys.stdin:
    try:
        event = json.loads(line)
    except ValueError:
        continue  # the last line, cut off with the watch
    pod = event["object"]
    name = pod["metadata"]["name"]
    events += 1
    if event["type"] == "DELETED" or "deletionTimestamp" in pod["metadata"]:
        pods.pop(name, None)
    else:
        conditions = pod.get("status", {}).get("conditions", [])
        pods[name] = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    ready = sum(pods.values())
    full = full or ready >= least
    if full and (len(pods) > most or ready < least):
        broken += 1
        print(f"event {events}: {len(pods)} pods, {ready} ready: {pods}")
if not broken:
    print(f"held over {events} events")
sys.exit(broken > 0)
