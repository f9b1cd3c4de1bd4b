"""Run a command, and say on file descriptor 3 what it took: status, seconds, processors, memory.

A process of its own and a small one: what a command had of its parent's memory before it was
the command counts as its peak (getrusage(2)).
"""

import os
import subprocess
import sys
import time

if __name__ == "__main__":
    started = time.monotonic()
    process = subprocess.Popen(sys.argv[1:])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    cpu = usage.ru_utime + usage.ru_stime
    code = os.waitstatus_to_exitcode(status)
    os.write(3, f"{code} {seconds} {cpu} {usage.ru_maxrss}".encode())
