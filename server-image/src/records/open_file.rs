//! The file that rows are written to, until it is whole.

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

/// A batch goes to the encoder with that many rows or bytes: enough that columns are encoded in long runs.
const BATCH_ROWS: u64 = 1024;
const BATCH_BYTES: usize = 512 << 10;
/// Encoded bytes that wait in memory for the end of a row group.
const ROW_GROUP: usize = 2 << 20;
/// Rows of a page. All columns end a page at the same row: larger ones take more memory until then, and more time at once.
const PAGE_ROWS: usize = 4096;
/// Different values of a column, in bytes, that are written once and referred to: enough for names and categories.
/// Measurements are all different, and looking each one up would be a third of the work and larger in the end.
const DICTIONARY: usize = 4 << 10;
/// Bytes of a footer for each column, and for each column of a row group: what such files have, and a half more.
const FOOTER: u64 = 256;

/// Why a file was lost, with everything in it.
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

    /// The writer wraps the errors of the file below it.
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

/// A file, and the sum of what was written to it.
struct Summed {
    file: File,
    crc: Crc,
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.crc.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// An open file. Rows wait in a batch, then encoded in a row group, then on the disk.
pub(super) struct OpenFile {
    /// The day that all its rows are of, since 1970.
    pub(super) day: i64,
    /// When it was opened.
    pub(super) since: Instant,
    directory: PathBuf,
    name: FileName,
    columns: u64,
    rows: u64,
    noted: u64,
    batch: Batch,
    journal: File,
    writer: ArrowWriter<Summed>,
}

impl OpenFile {
    /// Opens a file for rows with these columns.
    pub(super) fn new(
        directory: &Path,
        name: FileName,
        day: i64,
        fields: &Arc<Fields>,
    ) -> Result<Self, FileError> {
        let create = |file: String| {
            let path = directory.join(file);
            // Records are of people: nobody else on the node needs to read them.
            let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            opened.map_err(|source| FileError::Disk { what: "create", path, source })
        };
        std::fs::create_dir_all(directory).map_err(|source| FileError::Disk {
            what: "create",
            path: directory.to_owned(),
            source,
        })?;
        let opened = create(name.journal()).and_then(|journal| {
            let summed = Summed { file: create(name.open())?, crc: Crc::new() };
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
                noted: 0,
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

    /// About what the smallest file takes.
    pub(super) fn least(fields: &Fields) -> u64 {
        2 * fields.list.len() as u64 * FOOTER
    }

    /// Adds a row; whether the batch is full now.
    pub(super) fn push(&mut self, row: &Row<'_>) -> bool {
        self.batch.push(row);
        self.batch.rows() >= BATCH_ROWS || self.batch.bytes() >= BATCH_BYTES
    }

    /// Rows in the file that no batch holds back.
    pub(super) fn settled(&self) -> u64 {
        self.rows
    }

    /// Rows that wait in the batch.
    pub(super) fn waiting(&self) -> u64 {
        self.batch.rows()
    }

    /// About what the file will take on the disk if it is closed now, the waiting batch included.
    pub(super) fn bytes(&self) -> u64 {
        let groups = self.writer.flushed_row_groups().len() as u64 + 2;
        let encoded = self.writer.bytes_written() + self.writer.in_progress_size() + self.batch.bytes();
        encoded as u64 + groups * self.columns * FOOTER
    }

    /// Encodes the waiting batch.
    pub(super) fn settle(&mut self) -> Result<(), FileError> {
        let rows = self.batch.rows();
        if rows == 0 {
            return Ok(());
        }
        let path = || self.directory.join(self.name.open());
        // The rows belong to the file from here on: if it fails, they are lost with it.
        self.rows += rows;
        let batch = self.batch.take().map_err(|error| FileError::of(&path(), error.into()))?;
        self.writer.write(&batch).map_err(|error| FileError::of(&path(), error))?;
        self.note()
    }

    /// Forgets the waiting batch, and returns how many rows it had.
    pub(super) fn forget(&mut self) -> u64 {
        let rows = self.batch.rows();
        // An error while building the batch concerns the rows that are forgotten anyway.
        let _ = self.batch.take();
        rows
    }

    /// Notes how many rows the file was given, for whoever finds it after a crash.
    pub(super) fn note(&mut self) -> Result<(), FileError> {
        let rows = self.rows + self.batch.rows();
        if rows == self.noted {
            return Ok(());
        }
        self.noted = rows;
        self.journal.write_all_at(format!("{rows:020}").as_bytes(), 0).map_err(|source| FileError::Disk {
            what: "write",
            path: self.directory.join(self.name.journal()),
            source,
        })
    }

    /// Writes the footer and gives the file its name. A file that has that name is whole.
    ///
    /// Nothing waits until the disk would survive a loss of power: while the sink is well a file is here for
    /// milliseconds, and one that a machine's crash damaged is found by its sum.
    pub(super) fn close(self) -> Result<SpooledFile, FileError> {
        let Self { directory, name, rows, writer, .. } = self;
        let ready = whole(&directory, &name, rows, writer);
        remove(&directory, &name.journal());
        if ready.is_err() {
            remove(&directory, &name.open());
        }
        ready
    }

    /// Gives up the file with its rows.
    pub(super) fn discard(self) {
        let Self { directory, name, .. } = self;
        remove(&directory, &name.journal());
        remove(&directory, &name.open());
    }
}

fn whole(
    directory: &Path,
    name: &FileName,
    rows: u64,
    writer: ArrowWriter<Summed>,
) -> Result<SpooledFile, FileError> {
    let path = directory.join(name.open());
    let disk = |source| FileError::Disk { what: "finish", path: path.clone(), source };
    let Summed { file, crc } = writer.into_inner().map_err(|error| FileError::of(&path, error))?;
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
        // Minimum and maximum of a row group let readers skip it; those of every page would cost more than they give.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("understudy ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}
