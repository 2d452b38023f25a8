"""A process that writes a journal until it is killed; run by test_journal_trouble.py.

Usage: python writing_process.py DIRECTORY RECORDS BATCH_RECORDS [FILE_SIZE_LIMIT]. After every record it prints how
many records had been written by then; with a limit, the kernel refuses to let any file grow beyond it.
"""

from __future__ import annotations

import resource
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from records import record

from matcher.journal import JournalSettings, JournalWriter

directory, count, batch = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
if len(sys.argv) > 4:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
writer = JournalWriter(directory, JournalSettings(batch_records=batch), monotonic=time.monotonic)
threading.Thread(target=writer.run, daemon=True).start()
for number in range(count):
    while not writer.record(record(number, size=10_000)):
        time.sleep(0.001)
    print(writer.counts.written, flush=True)
assert writer.close(30)
counts = writer.counts
print("closed", counts.written, counts.failed, counts.segments, counts.last_error, sep="\t", flush=True)
