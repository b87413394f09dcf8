"""``edge-agent devices``: the inputs, or outputs, that there are, and how to name them in the settings."""

import dataclasses
import json

from edge_agent.sound_card import list_devices


def devices(*, outputs: bool, as_json: bool) -> int:
    """Print them; the exit code, 1 if there is none."""
    found = list_devices(output=outputs)
    if as_json:
        for device in found:
            print(json.dumps(dataclasses.asdict(device), ensure_ascii=False))  # noqa: T201
        return 0 if found else 1
    if not found:
        missing = "no outputs; plug a loudspeaker in" if outputs else "no inputs; plug a microphone in"
        print(f"{missing}, and see that this user is in the group audio")  # noqa: T201
        return 1
    for device in found:
        usb = f', usb_id = "{device.usb_id}"' if device.usb_id else ""
        mark = " (default)" if device.is_default else ""
        print(  # noqa: T201
            f'device = "{device.name}"{usb}: {device.channels} channels, {device.rate_hz} Hz{mark}'
        )
    return 0
