"""First process of the sandbox's own pid namespace: waits for orphans, and ends everything.

The kernel ends every process of a pid namespace when its first one ends, however it ends; with
them go the mounts, interfaces and packet filter rules of the namespaces that only they used.
"""

import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while True:
    signal.sigwait([signal.SIGCHLD])
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
