"""The family of errors that the contract raises."""


class ContractError(ValueError):
    """Something does not keep to what node and aggregator agreed on."""


class WireError(ContractError):
    """A message, command or acknowledgement is not acceptable; the text says why."""


class CodecError(ContractError):
    """Bytes are no packet of frames, or none that can be decoded here; the text says why."""


class BundleError(ContractError):
    """A bundle is not acceptable; the text says why."""


class EnrolmentError(ContractError):
    """A token, or what is said while a node joins, is not acceptable; the text says why."""
