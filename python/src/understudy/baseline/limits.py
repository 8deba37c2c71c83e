"""The limits of the file, as in stats/src/baseline.rs."""

MOST_BYTES = 4 << 20
MOST_COLUMNS = 1024
MOST_BINS = 64
MOST_CATEGORIES = 256
LONGEST_NAME = 256
