"""Line tables of functions that a Spark cluster runs: one for each, merged from all workers.

    python examples/spark_udf.py [--older] [MASTER]

MASTER is local-cluster[2,1,1024] by default: two executors in processes of their own, of one core
and one gibibyte each. --older uses the setting of Spark 3. Needs pyspark, pandas, pyarrow and a
JDK.
"""

import os
import sys

import pandas
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf, udf
from pyspark.sql.types import LongType


@udf(LongType())
def row_by_row(mebibytes):
    block = bytearray(mebibytes << 20)
    size = len(block)
    return size >> 20


@pandas_udf(LongType())
def batch_by_batch(column: pandas.Series) -> pandas.Series:
    block = bytearray(int(column.sum()) << 20)
    size = len(block)
    return column + (size & 1)


def main(arguments):
    older = "--older" in arguments
    master = [word for word in arguments if word != "--older"] or ["local-cluster[2,1,1024]"]
    setting = (
        ("spark.python.profile.memory", "true")
        if older
        else ("spark.sql.pyspark.udf.profiler", "memory")
    )
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master(master[0])
        .config(*setting)
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    # A partition for each row. Spark 4 keeps a task's results twice, in one dict: with the newer
    # setting all calls of a task but its first count double in what it shows.
    rows = spark.range(1, 9, numPartitions=8).withColumnRenamed("id", "n")
    for function in (row_by_row, batch_by_batch):
        made = rows.select(function("n").alias("made")).agg({"made": "sum"}).collect()
        print(f"{made[0][0]} MiB made")
    if older:
        spark.sparkContext.show_profiles()
    else:
        spark.profile.show(type="memory")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
