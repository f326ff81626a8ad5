"""A headless browser for tests of pages: chromium by its driver, spoken to over HTTP."""

import base64
import http.client
import json
import shutil
import socket
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
MISSING = None if CHROMIUM and DRIVER else "no chromium with chromedriver here"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Browser:
    """One window. `events` are the browser's own: network requests, console messages."""

    def __init__(self, dark=False, width=1280, height=900):
        self.port = free_port()
        self.driver = subprocess.Popen(
            [DRIVER, f"--port={self.port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait_for_driver()
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--force-device-scale-factor=1",
            f"--window-size={width},{height}",
        ]
        if dark:
            arguments.append("--force-dark-mode")
        options = {"binary": CHROMIUM, "args": arguments}
        self.session = self.send(
            "POST",
            "/session",
            {
                "capabilities": {
                    "alwaysMatch": {
                        "browserName": "chrome",
                        "goog:chromeOptions": options,
                        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                    }
                }
            },
        )["sessionId"]

    def wait_for_driver(self):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("chromedriver does not answer")

    def send(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{answer['error']}: {answer['message'].splitlines()[0]}")
        return answer

    def do(self, command, body=None, method="POST"):
        return self.send(
            method, f"/session/{self.session}/{command}", body if method == "GET" else body or {}
        )

    def open(self, path):
        self.do("url", {"url": path.absolute().as_uri()})

    def run(self, script, *args):
        """What the script of the page's own world returns."""
        return self.do("execute/sync", {"script": script, "args": list(args)})

    def cdp(self, command, **parameters):
        """A command of the browser's own protocol."""
        return self.do("goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width, height=800):
        """The inner size of the window from now on; a phone's is narrower than a window can be."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def size_again(self):
        """As it was before resize()."""
        self.cdp("Emulation.clearDeviceMetricsOverride")

    def emulate(self, media="", **features):
        """A medium such as "print", and features such as prefers_color_scheme="dark"."""
        self.cdp(
            "Emulation.setEmulatedMedia",
            media=media,
            features=[
                {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
            ],
        )

    def mouse(self, *steps):
        """Steps are ("move", x, y), ("down",), ("up",), in pixels of the window."""
        actions = []
        for what, *place in steps:
            if what == "move":
                actions.append(
                    {"type": "pointerMove", "duration": 0, "x": int(place[0]), "y": int(place[1])}
                )
            else:
                actions.append({"type": f"pointer{what.title()}", "button": 0})
        self.do("actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})

    def wheel(self, x, y, delta):
        self.do(
            "actions",
            {
                "actions": [
                    {
                        "type": "wheel",
                        "id": "wheel",
                        "actions": [
                            {
                                "type": "scroll",
                                "x": int(x),
                                "y": int(y),
                                "deltaX": 0,
                                "deltaY": delta,
                                "duration": 0,
                            }
                        ],
                    }
                ]
            },
        )

    def keys(self, text):
        """Keys to what has the focus; WebDriver's code points stand for the special ones."""
        actions = [
            step
            for key in text
            for step in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})
        ]
        self.do("actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.do("screenshot", method="GET")))

    def console(self):
        """Everything the console was told, errors of the security policy included."""
        return self.do("se/log", {"type": "browser"})

    def requests(self):
        """The addresses of all network requests so far."""
        found = []
        for entry in self.do("se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def close(self):
        try:
            self.send("DELETE", f"/session/{self.session}")
        except (OSError, RuntimeError):
            pass
        self.driver.terminate()
        self.driver.wait()
