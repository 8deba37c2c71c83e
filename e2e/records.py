"""Reads a folder of records as one table and prints the result of a query, one JSON object for each row.

    PYTHONPATH=... python3 e2e/records.py FOLDER 'SELECT main_version, count(*) AS calls FROM records GROUP BY ALL'
"""

import sys

import duckdb

folder, query = sys.argv[1:]
connection = duckdb.connect()
files = f"{folder}/**/*.parquet"
records = connection.read_parquet(files, filename=True, hive_partitioning=True, union_by_name=True)
records.create_view("records")
for (row,) in connection.sql(f"SELECT to_json(result) FROM ({query}) AS result").fetchall():
    print(row)
