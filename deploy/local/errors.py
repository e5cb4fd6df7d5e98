"""What can go wrong while something is started; every message is shown to the user as it is."""


class CannotStart(Exception):
    """Something cannot be started; the message says what happened and what to do."""


class FolderInUse(CannotStart):
    """Another process has the folder."""


class PortInUse(CannotStart):
    """Another program listens on the port the portal was asked to use."""


class WrongSetting(CannotStart):
    """A variable of the environment cannot be used as it is."""


class DiedWhileStarting(CannotStart):
    """A child ended, or did not answer in time, before it was ready."""
