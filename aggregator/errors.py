"""The family of errors that the aggregator raises."""


class AggregatorError(Exception):
    """Something that the reader of the message can mend or must know."""


class SettingsError(AggregatorError):
    """A setting is not acceptable; the text names it and says what would be."""


class StoreError(AggregatorError):
    """The database refuses: away, full, locked, or of another version."""


class ContentRefusedError(StoreError):
    """The database works, but does not take what it was given: trying again is of no use."""


class CursorError(AggregatorError):
    """A page was asked for with a cursor that this program did not give out."""


class UnknownNodeError(AggregatorError):
    """No node of that name has ever been heard."""


class CommandError(AggregatorError):
    """A command is not one that nodes obey."""


class LabelError(AggregatorError):
    """A label cannot be made or changed so; the text says why."""


class ReviewError(AggregatorError):
    """An answer cannot be taken; the text says why."""


class UnknownWindowError(AggregatorError):
    """No window of that number is stored, or none any more."""


class SoundError(AggregatorError):
    """No sound can be made of what was asked for; the text says why."""


class DeletionError(AggregatorError):
    """Something cannot be deleted so; the text says why."""


class LabelFileError(AggregatorError):
    """A file of labels cannot be read at all, or not be written; the text says why."""


class PolicyError(AggregatorError):
    """A policy is not acceptable; the text says what would be."""


class FiguresError(AggregatorError):
    """What the factory measured of a bundle cannot be used; the text says what is wrong with it."""


class SnapshotError(AggregatorError):
    """The reviewed windows could not be frozen; nothing was left behind."""


class TrainingError(AggregatorError):
    """A training cannot be asked for, or has failed; the text says why."""


class UnknownTrainingError(AggregatorError):
    """No training has that number."""


class ReleaseError(AggregatorError):
    """A release cannot be registered, or not be decided on so."""


class UnknownReleaseError(AggregatorError):
    """No release has that number."""


class RolloutError(AggregatorError):
    """A rollout cannot be made or changed so; the text says why."""


class UnknownRolloutError(AggregatorError):
    """No rollout has that number."""


class TrustError(AggregatorError):
    """A key, a signature or what is signed does not hold; the text says what, and often what to do."""


class HandInRefusedError(TrustError):
    """The aggregator does not take what was signed; the text says why."""


class HandOverError(AggregatorError):
    """What was signed could not be handed over or fetched: the aggregator is away, or answers otherwise."""


class DeliveryRefusedError(AggregatorError):
    """A node may not have what it asks for."""


class UnknownOtaFileError(AggregatorError):
    """There is no metadata or bundle of that name."""


class BusyError(AggregatorError):
    """Too much is being delivered at the moment."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many downloads at once, try again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class ListeningError(AggregatorError):
    """A node cannot be listened to at the moment; the text says why."""


class NotAllowedError(ListeningError):
    """Nobody may listen to it, or not like that."""


class TalkError(AggregatorError):
    """Nobody can talk to a node at the moment; the text says why."""


class EnrolmentRefusedError(AggregatorError):
    """A node is not let in, or gets no other certificate; the text says why."""


class BrokerError(AggregatorError):
    """The broker is away, or does not do what its configuration says."""


class PasswordError(AggregatorError):
    """A password cannot be set: too short, or set before."""


class UserError(AggregatorError):
    """A user cannot be made or changed so; the text says why."""


class UnknownUserError(AggregatorError):
    """There is no user of that name."""


class TokenError(AggregatorError):
    """A token cannot be made so; the text says why."""


class UnknownTokenError(AggregatorError):
    """There is no token of that number."""


class TooManyAttemptsError(AggregatorError):
    """Sign-in is closed to this client for a while."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many attempts, try again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s
