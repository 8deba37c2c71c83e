//! A file while rows are written to it.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use flate2::Crc;
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::Compression,
    errors::ParquetError,
    file::properties::{EnabledStatistics, WriterProperties},
};
use tokio::time::Instant;

use super::{
    batch::Batch,
    fields::Fields,
    file_name::FileName,
    loss::Loss,
    row::Row,
    spool::{SpooledFile, remove},
};

/// A batch of this many rows or bytes goes to the encoder. Larger batches encode columns in longer runs.
const BATCH_ROWS: u64 = 1024;
const BATCH_BYTES: usize = 512 << 10;
/// Size of a row group, in encoded bytes. They stay in memory until the group ends.
const ROW_GROUP: usize = 2 << 20;
/// Rows of a page. All columns end a page at the same row, so larger pages need more memory, and more time in one step.
const PAGE_ROWS: usize = 4096;
/// Size of a column's dictionary, in bytes: enough for names and categories. Measurements all differ: a dictionary of
/// them would cost a third of the time, and make files larger.
const DICTIONARY: usize = 4 << 10;
/// Bytes of a footer for each column, and for each column of a row group: 1.5 times what such files have.
const FOOTER: u64 = 256;

/// Why a file is lost, with all its rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("failed to {what} {path}: {source}", path = path.display())]
    Disk { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("failed to write {path} as Parquet: {source}", path = path.display())]
    Encode { path: PathBuf, source: ParquetError },
}

impl FileError {
    pub(super) fn loss(&self) -> Loss {
        match self {
            Self::Disk { .. } => Loss::Disk,
            Self::Encode { .. } => Loss::Encode,
        }
    }

    /// The Parquet writer wraps the errors of the file system.
    fn of(path: &Path, error: ParquetError) -> Self {
        let path = path.to_owned();
        match error {
            ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
                Ok(source) => Self::Disk { what: "write", path, source: *source },
                Err(cause) => Self::Encode { path, source: ParquetError::External(cause) },
            },
            source => Self::Encode { path, source },
        }
    }
}

/// A file, and the checksum of what was written to it.
struct ChecksummedFile {
    file: File,
    crc: Crc,
}

impl Write for ChecksummedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.crc.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// An open file. A row is first in the batch, then encoded in a row group in memory, then on the disk.
pub(super) struct OpenFile {
    /// The day of all its rows, in days since 1970.
    pub(super) day: i64,
    /// When the file was opened.
    pub(super) since: Instant,
    directory: PathBuf,
    name: FileName,
    columns: u64,
    /// Encoded rows.
    rows: u64,
    /// Rows according to the journal.
    journaled: u64,
    batch: Batch,
    journal: File,
    writer: ArrowWriter<ChecksummedFile>,
}

impl OpenFile {
    /// Creates a file for rows with these columns, and its journal.
    pub(super) fn new(
        directory: &Path,
        name: FileName,
        day: i64,
        fields: &Arc<Fields>,
    ) -> Result<Self, FileError> {
        let create = |file: String| {
            let path = directory.join(file);
            // Records are about people: other users of the node must not read them.
            let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            opened.map_err(|source| FileError::Disk { what: "create", path, source })
        };
        std::fs::create_dir_all(directory).map_err(|source| FileError::Disk {
            what: "create",
            path: directory.to_owned(),
            source,
        })?;
        let opened = create(name.journal()).and_then(|journal| {
            let summed = ChecksummedFile { file: create(name.open())?, crc: Crc::new() };
            let options =
                ArrowWriterOptions::new().with_properties(properties()).with_skip_arrow_metadata(true);
            let writer = ArrowWriter::try_new_with_options(summed, Arc::clone(&fields.schema), options);
            Ok((journal, writer.map_err(|error| FileError::of(&directory.join(name.open()), error))?))
        });
        match opened {
            Ok((journal, writer)) => Ok(Self {
                day,
                since: Instant::now(),
                directory: directory.to_owned(),
                columns: fields.list.len() as u64,
                rows: 0,
                journaled: 0,
                batch: Batch::new(Arc::clone(fields)),
                journal,
                writer,
                name,
            }),
            Err(failed) => {
                remove(directory, &name.journal());
                remove(directory, &name.open());
                Err(failed)
            }
        }
    }

    /// The approximate size of the smallest file in bytes.
    pub(super) fn least(fields: &Fields) -> u64 {
        2 * fields.list.len() as u64 * FOOTER
    }

    /// Adds a row, and returns whether the batch is full.
    pub(super) fn push(&mut self, row: &Row<'_>) -> bool {
        self.batch.push(row);
        self.batch.rows() >= BATCH_ROWS || self.batch.bytes() >= BATCH_BYTES
    }

    /// The number of encoded rows.
    pub(super) fn encoded(&self) -> u64 {
        self.rows
    }

    /// The number of rows in the batch.
    pub(super) fn waiting(&self) -> u64 {
        self.batch.rows()
    }

    /// The approximate size of the file if it is closed now, in bytes, including the batch.
    pub(super) fn bytes(&self) -> u64 {
        let groups = self.writer.flushed_row_groups().len() as u64 + 2;
        let encoded = self.writer.bytes_written() + self.writer.in_progress_size() + self.batch.bytes();
        encoded as u64 + groups * self.columns * FOOTER
    }

    /// Encodes the batch.
    pub(super) fn encode(&mut self) -> Result<(), FileError> {
        let rows = self.batch.rows();
        if rows == 0 {
            return Ok(());
        }
        let path = || self.directory.join(self.name.open());
        // The rows now belong to the file. If it fails, they are lost with it.
        self.rows += rows;
        let batch = self.batch.take().map_err(|error| FileError::of(&path(), error.into()))?;
        self.writer.write(&batch).map_err(|error| FileError::of(&path(), error))?;
        self.write_journal()
    }

    /// Drops the batch, and returns its number of rows.
    pub(super) fn drop_batch(&mut self) -> u64 {
        let rows = self.batch.rows();
        // An error here concerns only the rows that are dropped anyway.
        let _ = self.batch.take();
        rows
    }

    /// Writes the number of rows to the journal. After a crash the next process counts them as lost.
    pub(super) fn write_journal(&mut self) -> Result<(), FileError> {
        let rows = self.rows + self.batch.rows();
        if rows == self.journaled {
            return Ok(());
        }
        self.journaled = rows;
        self.journal.write_all_at(format!("{rows:020}").as_bytes(), 0).map_err(|source| FileError::Disk {
            what: "write",
            path: self.directory.join(self.name.journal()),
            source,
        })
    }

    /// Writes the footer and renames the file. The new name means that the file is complete.
    ///
    /// There is no fsync: while the sink is available, a file stays in the spool for milliseconds only. The checksum
    /// reveals a file that the crash of a machine has damaged.
    pub(super) fn close(self) -> Result<SpooledFile, FileError> {
        let Self { directory, name, rows, writer, .. } = self;
        let ready = finish(&directory, &name, rows, writer);
        remove(&directory, &name.journal());
        if ready.is_err() {
            remove(&directory, &name.open());
        }
        ready
    }

    /// Removes the file with its rows.
    pub(super) fn discard(self) {
        let Self { directory, name, .. } = self;
        remove(&directory, &name.journal());
        remove(&directory, &name.open());
    }
}

fn finish(
    directory: &Path,
    name: &FileName,
    rows: u64,
    writer: ArrowWriter<ChecksummedFile>,
) -> Result<SpooledFile, FileError> {
    let path = directory.join(name.open());
    let disk = |source| FileError::Disk { what: "finish", path: path.clone(), source };
    let ChecksummedFile { file, crc } = writer.into_inner().map_err(|error| FileError::of(&path, error))?;
    let crc = crc.sum();
    let bytes = file.metadata().map_err(disk)?.len();
    let file = name.ready(rows, crc);
    std::fs::rename(&path, directory.join(&file)).map_err(disk)?;
    Ok(SpooledFile { name: name.clone(), file, rows, bytes, crc, inherited: false })
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_bytes(Some(ROW_GROUP))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_column_dictionary_enabled("id".into(), false)
        // Readers can skip a row group by its minimum and maximum. The same for every page would cost more than it
        // saves.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("understudy ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}
