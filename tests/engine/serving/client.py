"""Ask the server of this container, from inside it: method, path, body, seconds to keep trying."""

import json
import sys
import time
import urllib.error
import urllib.request

method, path, body, seconds = sys.argv[1:]
request = urllib.request.Request(
    "http://127.0.0.1:5001" + path,
    data=body.encode() or None,
    headers={"Content-Type": "application/json"},
    method=method,
)
deadline = time.monotonic() + float(seconds)
while True:
    try:
        with urllib.request.urlopen(request, timeout=float(seconds)) as answer:
            status, text = answer.status, answer.read().decode()
        break
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.05)
sys.stdout.write(json.dumps([status, text]))
