"""A broker for demonstrations on a machine that has none. MQTT 3.1.1, in memory, not durable.

Run as a program of its own: ``python -m aggregator.demo.embedded_broker PORT``.
"""

import asyncio
import signal
import sys

from amqtt.broker import Broker

CONFIG_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


async def serve(port: int) -> None:
    """Serve on loopback until a signal ends it."""
    listener = {"type": "tcp", "bind": f"127.0.0.1:{port}"}
    broker = Broker({"listeners": {"default": listener}, "plugins": CONFIG_PLUGINS})
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await broker.start()
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
