"""What happens, in order: one flow a file."""

from flows.runtime.plain_errors import log_errors_without_traceback

log_errors_without_traceback()
