"""The supervisor, tied to the life of whoever started it: killing the demo must not leave seven processes behind."""

import ctypes
import signal

from supervisor import supervisord

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    supervisord.main()
