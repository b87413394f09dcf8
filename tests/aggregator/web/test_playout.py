"""The playout of live sound, in a browser but without its clock: what comes when, and what is heard of it."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import aggregator.web
from tests.aggregator.web.browser import Browser

STATIC = Path(aggregator.web.__file__).parent / "static"
SIMULATION = """
const done = arguments[arguments.length - 1];
import("/playout.js").then(({ Playout }) => {
  // Packets of 20 ms of a wave; ``plan`` says how many ms after it is complete packet n comes, or null.
  const wave = (at) => 0.5 * Math.sin(at * 0.37);
  function simulate(plan, { seconds, ppm = 0, rate = 16000, packet = 320, skip = 0 } = {}) {
    const playout = new Playout(rate);
    const quantum = new Float32Array(128);
    const heard = [];
    const arrivals = [];
    for (let number = 0, lost = 0; number * packet < seconds * 16000; number++) {
      const late = plan(number);
      if (late === null) { lost += 1; continue; }
      // What stands in for lost packets comes with the next one.
      const start = (number - lost) * packet;
      const samples = Float32Array.from({ length: (lost + 1) * packet }, (_, at) => wave(start + at));
      const came = ((number + 1) * packet) / 16 + late;
      // One after the other, as a WebSocket brings them.
      arrivals.push({ at: Math.max(came, arrivals.at(-1)?.at ?? 0), position: start, samples });
      lost = 0;
    }
    let next = 0, silent = 0, longest = 0, step = 0, last = 0, depth = 0;
    const clock = 1000 / (rate * (1 + ppm / 1e6));
    for (let now = 0; now < seconds * 1000; now += 128 * clock) {
      while (next < arrivals.length && arrivals[next].at <= now) {
        playout.push(arrivals[next].position, arrivals[next].samples, arrivals[next].quiet);
        next += 1;
      }
      playout.render(quantum);
      if (now < skip * 1000) { last = quantum[127]; continue; }
      depth = Math.max(depth, playout.depth);
      for (const value of quantum) {
        silent = Math.abs(value) < 1e-4 ? silent + 1 : 0;
        longest = Math.max(longest, silent);
        step = Math.max(step, Math.abs(value - last));
        last = value;
        if (heard.length < 4000) heard.push(value);
      }
    }
    const ms = (1000 / rate);
    return { ...playout.counts, silent_ms: longest * ms, step, depth_ms: depth / 16, drift: playout.drift,
             wanted_ms: playout.wanted / 16, heard };
  }
  let seed = 1;
  const chance = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  done((function () { BODY })());
}).catch((error) => done({ error: String(error) }));
"""


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Browser]:
    """A page from which our modules can be imported."""
    handler = functools.partial(Quiet, directory=str(STATIC))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium.driver.set_script_timeout(120)
    chromium.driver.get(f"http://127.0.0.1:{server.server_port}/icon.svg")
    yield chromium
    server.shutdown()
    server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def simulate(page: Browser, body: str) -> Any:
    result = page.driver.execute_async_script(SIMULATION.replace("BODY", body))
    assert not (isinstance(result, dict) and "error" in result), result
    return result


def test_sound_that_comes_in_time_is_heard_as_it_is(page: Browser) -> None:
    result = simulate(page, "return simulate(() => 10, { seconds: 3, skip: 1 });")
    assert (result["underruns"], result["late"], result["jumps"]) == (0, 0, 0)
    # A sine's step is its amplitude times its frequency: no seam is larger.
    assert result["step"] < 0.5 * 0.37 * 1.02
    assert result["depth_ms"] < 50


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_sound_keeps_its_pitch_at_the_rate_of_the_loudspeaker(page: Browser, rate: int) -> None:
    result = simulate(page, f"return simulate(() => 10, {{ seconds: 3, skip: 1, rate: {rate} }});")
    heard = result["heard"]
    crossings = [at for at in range(1, len(heard)) if heard[at - 1] < 0 <= heard[at]]
    period = (crossings[-1] - crossings[0]) / (len(crossings) - 1)
    assert period == pytest.approx(2 * 3.14159265 / 0.37 * rate / 16_000, rel=0.002)
    assert max(heard) == pytest.approx(0.5, abs=0.01)


def test_the_buffer_grows_with_jitter_and_shrinks_again(page: Browser) -> None:
    result = simulate(
        page,
        """
        const rough = simulate((n) => 10 + 60 * chance(), { seconds: 30, skip: 12 });
        const calm = simulate((n) => 10 + (n < 500 ? 60 * chance() : 0), { seconds: 40, skip: 25 });
        return { rough, calm };
        """,
    )
    assert result["rough"]["underruns"] <= 40
    assert result["rough"]["silent_ms"] < 60
    assert result["rough"]["wanted_ms"] > 60
    assert result["calm"]["depth_ms"] < 60
    assert result["calm"]["late"] == 0


@pytest.mark.parametrize("lost", [0.05, 0.1])
def test_lost_packets_make_no_dropout_longer_than_60_ms(page: Browser, lost: float) -> None:
    result = simulate(
        page,
        f"return simulate(() => (chance() < {lost} ? null : 5 + 3 * chance()), {{ seconds: 120, skip: 1 }});",
    )
    assert result["silent_ms"] < 60
    assert result["longest"] / 16 < 60
    assert result["step"] < 0.6


def test_a_pause_is_no_fault(page: Browser) -> None:
    result = simulate(
        page,
        """
        const playout = new Playout(16000);
        const quantum = new Float32Array(160);
        let loud = 0;
        for (let ms = 0; ms < 20000; ms += 10) {
          const speaking = ms % 5000 < 2000;
          if (speaking && ms % 20 === 0)
            playout.push(ms * 16, new Float32Array(320).fill(0.5), ms % 5000 === 1980);
          playout.render(quantum);
          loud += quantum.filter((value) => value > 0.4).length / 16;
        }
        return { ...playout.counts, loud };
        """,
    )
    assert (result["underruns"], result["late"], result["jumps"]) == (0, 0, 0)
    assert result["loud"] == pytest.approx(8000, abs=100)


def test_a_stall_is_not_played_as_a_backlog(page: Browser) -> None:
    stall = "(n) => (n >= 200 && n < 250 ? 10 + (250 - n) * 20 : 10)"
    result = simulate(page, f"return simulate({stall}, {{ seconds: 12, skip: 6 }});")
    assert result["depth_ms"] < 120
    assert 900 < result["longest"] / 16 < 1100


@pytest.mark.parametrize("ppm", [-200, 200])
def test_ten_minutes_without_drift_or_growth(page: Browser, ppm: int) -> None:
    result = simulate(
        page, f"return simulate(() => 10 + 4 * chance(), {{ seconds: 600, skip: 20, ppm: {ppm} }});"
    )
    assert result["drift"] == pytest.approx(ppm, abs=15)
    assert result["depth_ms"] < 60
    assert result["silent_ms"] < 20
    assert result["underruns"] < 20
    assert result["jumps"] == 0
