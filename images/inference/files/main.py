"""The entry script of an image that no model has been brought to."""

MESSAGE = (
    "No model is deployed. Mount or copy an entry script with init() and run(data) into "
    "/var/azureml-app, set AZUREML_ENTRY_SCRIPT to its path there, and AZUREML_MODEL_DIR to "
    "the directory of its model."
)


def init():
    """Load nothing."""
    print(MESSAGE)  # noqa: T201


def run(data):  # noqa: ARG001
    """Answer how a model is brought."""
    return {"message": MESSAGE}
