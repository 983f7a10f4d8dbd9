"""compare.py WANTED GOT NAME: compares two conversations command by command and counts."""
import difflib
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


wanted, got = steps(sys.argv[1]), steps(sys.argv[2])
passed = failed = 0
for i, step in enumerate(wanted):
    said = got[i] if i < len(got) else []
    if step == said:
        passed += 1
        continue
    failed += 1
    print("FAIL", sys.argv[3] + ":", step[0].strip())
    print("".join("     " + d for d in list(difflib.ndiff(step[1:], said[1:]))[:16] if d[0] != "?"), end="")
if len(got) > len(wanted):
    failed += 1
    print("FAIL", sys.argv[3] + ": says more than is wanted")
print(passed, "passed,", failed, "failed")
