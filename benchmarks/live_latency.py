"""From the microphone to the ear: bursts of a tone through node, broker, aggregator and a real browser.

    python -m benchmarks.live_latency [--seconds 60] [--listeners 1] [--loss 0.05] [--codec 15k]
                                      [--packet-ms 20]

All on this machine, so that there is one clock. Sound is written to a node when it is due, as a sound card
would; a processor of ours in the browser's audio thread notes at which sample of its output each burst lies
(the middle of its energy), and the browser says when that sample leaves for the loudspeaker. With ``--loss``
a relay between node and aggregator drops that share of the packets. More listeners than one are programs.
"""

import argparse
import json
import random
import re
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from simple_websocket import Client, ConnectionClosed

from contract import topics
from tests.aggregator.web.browser import Browser
from tests.broker import Mosquitto
from tests.system.live_world import NODE, PASSWORD, RATE_HZ, LiveWorld, Pcm

BURST_EVERY_S, BURST_S = 1.0, 0.02
WARM_UP_S = 10.0
DETECTOR = """
const source = `
class Detector extends AudioWorkletProcessor {
  constructor() { super(); this.sum = 0; this.moment = 0; this.last = -1; }
  process([input]) {
    const wave = input[0];
    if (!wave) return true;
    for (let at = 0; at < wave.length; at++) {
      const time = currentTime + at / sampleRate;
      const power = wave[at] * wave[at];
      if (power > 0.0025) { this.sum += power; this.moment += power * time; this.last = time; }
      else if (this.sum && time - this.last > 0.1) {
        this.port.postMessage(this.moment / this.sum);
        this.sum = this.moment = 0;
      }
    }
    return true;
  }
}
registerProcessor("detector", Detector);`;
window.bursts = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...more) {
  if (target instanceof AudioDestinationNode) {
    const sound = target.context;
    window.sound = sound;
    const module = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    sound.audioWorklet.addModule(module).then(() => {
      const detector = new AudioWorkletNode(sound, "detector", { numberOfOutputs: 0 });
      connect.call(this, detector);
      detector.port.onmessage = ({ data }) => {
        const { contextTime, performanceTime } = sound.getOutputTimestamp();
        window.bursts.push(performance.timeOrigin + performanceTime + 1000 * (data - contextTime));
      };
    });
  }
  return connect.call(this, target, ...more);
};
"""


def bursts(seconds: float) -> Pcm:
    """Quiet noise with a burst every second, beginning half a second after each begins."""
    draw = np.random.default_rng(1)
    sound = draw.normal(0, 60, round(seconds * RATE_HZ))
    length = round(BURST_S * RATE_HZ)
    burst = 12_000 * np.sin(2 * np.pi * 2000 * np.arange(length) / RATE_HZ) * np.hanning(length)
    for second in range(int(seconds / BURST_EVERY_S)):
        at = round((second + 0.5) * RATE_HZ)
        sound[at : at + length] += burst
    return sound.astype(np.int16)


class Relay:
    """Carries everything from the node's namespace to the aggregator's and back, but some of the sound."""

    def __init__(self, port: int, loss: float) -> None:
        self._loss, self._chance = loss, random.Random(1)
        self.dropped = self.carried = 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "relay", protocol=paho.MQTTv5)
        self._client.on_message = self._carry
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(
            [(f"far/v1/+/{one.kind}", one.qos) for one in topics.ALL if one.from_node]
            + [(f"soundpost/v1/+/{one.kind}", one.qos) for one in topics.ALL if not one.from_node]
        )
        self._client.loop_start()

    def _carry(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        namespace, _, node, kind = message.topic.split("/")
        if kind == topics.LIVE.kind:
            self.carried += 1
            if self._chance.random() < self._loss:
                self.dropped += 1
                return
        other = {"far": "soundpost", "soundpost": "far"}[namespace]
        retain = topics.BY_KIND[kind].retain
        self._client.publish(f"{other}/v1/{node}/{kind}", message.payload, message.qos, retain=retain)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def signed_in(address: str) -> str:
    """The cookie of a session."""
    jar = CookieJar()
    door = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with door.open(f"{address}/sign-in") as page:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    assert token is not None
    form = {"csrf_token": token[1], "password": PASSWORD}
    door.open(f"{address}/sign-in", urllib.parse.urlencode(form).encode()).close()
    return "; ".join(f"{one.name}={one.value}" for one in jar)


def listen(address: str, query: str, cookie: str, over: threading.Event) -> None:
    """One more listener."""
    target = f"{address.replace('http', 'ws')}/nodes/{NODE}/sound?{query}"
    # This client leaves the port out where it says whom it calls.
    origin = f"http://{urllib.parse.urlsplit(address).hostname}"
    line = Client(target, headers={"Cookie": cookie, "Origin": origin})
    try:
        while not over.is_set():
            line.receive(timeout=1)
        line.close()
    except ConnectionClosed:
        pass


def measure(browser: Browser, world: LiveWorld, seconds: float, query: dict[str, str]) -> dict[str, Any]:
    """Delays of bursts, and what the page says at the end."""
    driver = browser.driver
    browser.sign_in(world.address, PASSWORD)
    driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": DETECTOR})
    driver.get(f"{world.address}/nodes/{NODE}/listen")
    for name, value in query.items():
        browser.run(f"document.querySelector('[name={name}]').value = '{value}'")
    browser.one("[data-go]").click()
    browser.until(lambda: browser.text("[data-said]") == "Live", "sound")
    time.sleep(WARM_UP_S)
    browser.run("window.bursts.length = 0")
    time.sleep(seconds)
    heard_ms = np.array(browser.run("return window.bursts"))
    # The middle of each burst, as it was due at the microphone.
    due_ms = 1000 * (world.microphone.begun_s + 0.5 + BURST_S / 2)
    delays_ms = (heard_ms - due_ms) % (1000 * BURST_EVERY_S)
    p50, p95, most = np.percentile(delays_ms, [50, 95, 100]).round(1)
    return {
        "bursts": len(delays_ms), "of": int(seconds / BURST_EVERY_S), "p50_ms": p50, "p95_ms": p95,
        "most_ms": most,
        "output_latency_ms": 1000 * browser.run("return sound.outputLatency"),
        "page": {one.get_attribute("data-figure"): one.text for one in browser.all("[data-figure]")},
    }  # fmt: skip


def main() -> None:
    """Set everything up, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--listeners", type=int, default=1)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--codec", default="15k")
    parser.add_argument("--packet-ms", default="20")
    parser.add_argument("--bundle", type=Path, default=Path("models/keywords.bundle"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "broker").mkdir()
        broker = Mosquitto(folder / "broker")
        broker.start()
        relay = Relay(broker.port, chosen.loss) if chosen.loss else None
        agent = ["--live-opus", "true"] if chosen.codec == "opus" else []
        world = LiveWorld(
            folder, broker, chosen.bundle, bursts(600), *agent, namespace="far" if relay else "soundpost"
        )
        over = threading.Event()
        try:
            world.start()
            if chosen.codec == "opus":
                world.services.listening.allow(NODE, "sound", "the benchmark")
            query = {"codec": chosen.codec, "packet_ms": chosen.packet_ms}
            cookie = signed_in(world.address)
            others = [
                threading.Thread(
                    target=listen,
                    args=(world.address, urllib.parse.urlencode(query), cookie, over),
                    daemon=True,
                )
                for _ in range(chosen.listeners - 1)
            ]
            for other in others:
                other.start()
            browser = Browser(folder / "profile")
            told = measure(browser, world, chosen.seconds, query)
            browser.driver.quit()
        finally:
            over.set()
            world.stop()
            broker.stop()
        if relay is not None:
            relay.stop()
            told |= {"dropped": relay.dropped, "carried": relay.carried}
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
