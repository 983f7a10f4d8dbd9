"""compare.py WANTED GOT NAME [OTHER]: compares two conversations command by command and counts.

OTHER, where it exists, holds the steps that this client words in its own way."""
import difflib
import os
import sys


def steps(path):
    result, step = [], None
    for line in open(path):
        if line.startswith("$ "):
            step = [line]
            result.append(step)
        elif step is not None:
            step.append(line)
    return result


if sys.argv[1] == "--own":  # WANTED GOT: prints the steps of GOT that differ
    wanted, got = steps(sys.argv[2]), steps(sys.argv[3])
    for i, step in enumerate(got):
        if i >= len(wanted) or step != wanted[i]:
            print("".join(step), end="")
    sys.exit()
wanted, got = steps(sys.argv[1]), steps(sys.argv[2])
own = {}
if len(sys.argv) > 4 and os.path.exists(sys.argv[4]):
    own = {step[0]: step for step in steps(sys.argv[4])}
passed = failed = 0
for i, step in enumerate(wanted):
    said = got[i] if i < len(got) else []
    if step == said or own.get(step[0], step) == said:
        passed += 1
        continue
    failed += 1
    print("FAIL", sys.argv[3] + ":", step[0].strip())
    print("".join("     " + d for d in list(difflib.ndiff(step[1:], said[1:]))[:16] if d[0] != "?"), end="")
if len(got) > len(wanted):
    failed += 1
    print("FAIL", sys.argv[3] + ": says more than is wanted")
print(passed, "passed,", failed, "failed")
