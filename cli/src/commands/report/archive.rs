//! A compressed archive of bounded size. It exists completely or not at all.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use tar::{Builder, EntryType, Header};

/// The folder of every file in the archive.
const FOLDER: &str = "understudy-report";
/// Bytes that are reserved for the description and the end of the archive.
const RESERVED: u64 = 256 << 10;
/// A tar archive describes each file in a block of this size, and fills its content up to one.
const BLOCK: u64 = 512;

/// An archive that is being written.
pub struct Archive {
    path: PathBuf,
    builder: Option<Builder<GzEncoder<Counted>>>,
    limit: u64,
    at: Timestamp,
    /// Files so far.
    pub files: usize,
    /// Paths that the size did not allow.
    pub left_out: Vec<String>,
}

impl Archive {
    /// Creates the file, which must not exist yet. Only its owner can read it.
    pub fn create(path: &Path, limit: u64, at: Timestamp) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Counted { file: options.open(path)?, written: 0 };
        let builder = Builder::new(GzEncoder::new(file, Compression::default()));
        Ok(Self { path: path.to_owned(), builder: Some(builder), limit, at, files: 0, left_out: vec![] })
    }

    /// Adds a file, unless the archive would become too large.
    pub fn add(&mut self, name: &str, content: &str) -> io::Result<()> {
        let size = content.len() as u64 + 2 * BLOCK;
        if self.written() + size + RESERVED > self.limit {
            self.left_out.push(name.to_owned());
            return Ok(());
        }
        self.append(name, content)
    }

    /// Adds the description, for which space is reserved, and ends the archive. Returns its size in bytes.
    pub fn finish(mut self, name: &str, content: &str) -> io::Result<u64> {
        let most = usize::try_from(RESERVED / 2).unwrap_or(usize::MAX);
        let end = content.char_indices().map(|(at, _)| at).take_while(|at| *at <= most).last().unwrap_or(0);
        let content = if content.len() <= most { content } else { &content[..end] };
        self.append(name, content)?;
        let Some(builder) = self.builder.take() else { return Ok(0) };
        let mut file = builder.into_inner()?.finish()?;
        file.flush()?;
        Ok(file.written)
    }

    fn written(&self) -> u64 {
        // The compressor keeps up to 64 KiB, for which there is reserve.
        self.builder.as_ref().map_or(0, |builder| builder.get_ref().get_ref().written)
    }

    fn append(&mut self, name: &str, content: &str) -> io::Result<()> {
        let Some(builder) = self.builder.as_mut() else { return Ok(()) };
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.at.as_second()).unwrap_or(0));
        builder.append_data(&mut header, format!("{FOLDER}/{name}"), content.as_bytes())?;
        // Compressed data that are not written yet do not count, and thousands of small files are.
        builder.get_mut().flush()?;
        self.files += 1;
        Ok(())
    }
}

impl Drop for Archive {
    /// Removes an archive that was not finished.
    fn drop(&mut self) {
        if self.builder.take().is_some() {
            // The error that ended the report is the one to show.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

struct Counted {
    file: File,
    written: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn place(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("understudy-{}-{name}.tar.gz", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    fn names(path: &Path) -> Vec<String> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(path).unwrap()));
        archive
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                entry.read_to_end(&mut vec![]).unwrap();
                entry.path().unwrap().display().to_string()
            })
            .collect()
    }

    /// A text that cannot be compressed much.
    fn noise(bytes: usize) -> String {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + u8::try_from((state >> 33) % 90).unwrap())
        };
        (0..bytes).map(|_| next()).collect()
    }

    #[test]
    fn an_archive_never_exceeds_its_limit_and_lists_what_it_left_out() {
        let (path, limit) = (place("limit"), 1 << 20);
        let mut archive = Archive::create(&path, limit, Timestamp::UNIX_EPOCH).unwrap();
        for i in 0..40 {
            archive.add(&format!("{i}.txt"), &noise(100_000)).unwrap();
        }
        assert!(archive.files > 3 && archive.left_out.len() > 3);
        let size = archive.finish("README.txt", &noise(1_000_000)).unwrap();
        assert!(size <= limit, "{size}");
        assert_eq!(names(&path).last().unwrap(), "understudy-report/README.txt");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_exists_is_not_replaced() {
        let path = place("exists");
        std::fs::write(&path, "mine").unwrap();
        assert!(Archive::create(&path, 1 << 20, Timestamp::UNIX_EPOCH).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn an_archive_that_was_not_finished_is_removed() {
        let path = place("half");
        let mut archive = Archive::create(&path, 1 << 20, Timestamp::UNIX_EPOCH).unwrap();
        archive.add("a", "b").unwrap();
        drop(archive);
        assert!(!path.exists());
    }
}
