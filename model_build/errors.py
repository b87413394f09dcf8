"""The family of errors that the factory raises."""


class ModelBuildError(Exception):
    """A model cannot be made, checked or measured; the text says why and what would help."""


class DatasetError(ModelBuildError):
    """A folder does not hold the recordings that a recipe needs."""


class RecipeError(ModelBuildError):
    """A recipe names a value that no model can be made from."""


class ConversionError(ModelBuildError):
    """A graph could not be converted, or what came out is not what the node can run."""


class ParityError(ModelBuildError):
    """The converted model does not compute what the trained one computes."""


class BaseArchiveError(ModelBuildError):
    """A file is no base archive, or not a whole one."""


class SnapshotError(ModelBuildError):
    """A folder is no snapshot of reviewed windows, or not one that can be learned from."""
