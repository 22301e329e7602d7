//! A disk that remembers: a FUSE file whose every write and flush is logged, in order, beside what was acknowledged.
//!
//! Invariant: what the kernel was told is written is in the log before it was told.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    Errno, FileAttr, FileHandle, FileType, Filesystem, Generation, INodeNo, LockOwner, OpenFlags,
    ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyWrite, Request, WriteFlags,
};

/// Bytes of a block, the unit in which a power cut takes or leaves what was not flushed.
pub(crate) const BLOCK: usize = 4096;

pub(crate) type Block = Arc<[u8]>;
/// The blocks that were ever written.
pub(crate) type Image = BTreeMap<u64, Block>;

/// What happened.
pub(crate) enum Record {
    Write(u64, Block),
    Flush,
    /// The program promised this.
    Ack(Ack),
}

/// What was acknowledged of a task.
#[derive(Clone, Debug)]
pub(crate) enum Ack {
    Added { id: String, text: usize },
    Done { id: String },
}

/// The log, and what the disk holds now.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) records: Vec<Record>,
    now: Image,
}

#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) log: Arc<Mutex<Log>>,
    pub(crate) bytes: u64,
}

impl Disk {
    pub(crate) fn ack(&self, ack: Ack) {
        self.log.lock().unwrap().records.push(Record::Ack(ack));
    }

    fn attr(&self, ino: INodeNo) -> FileAttr {
        let root = ino == INodeNo::ROOT;
        FileAttr {
            ino,
            size: if root { 0 } else { self.bytes },
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if root { FileType::Directory } else { FileType::RegularFile },
            perm: if root { 0o700 } else { 0o600 },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            flags: 0,
            blksize: 4096,
        }
    }
}

const TTL: Duration = Duration::from_secs(3600);

impl Filesystem for Disk {
    fn lookup(&self, _req: &Request, _parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name == "disk" {
            reply.entry(&TTL, &self.attr(INodeNo(2)), Generation(0));
        } else {
            reply.error(Errno::ENOENT);
        }
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&TTL, &self.attr(ino));
    }

    fn read(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let end = self.bytes.min(offset + u64::from(size));
        let log = self.log.lock().unwrap();
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(offset)).unwrap()];
        for at in offset / BLOCK as u64..=end / BLOCK as u64 {
            let Some(block) = log.now.get(&at) else { continue };
            let start = at * BLOCK as u64;
            let (from, to) = (start.max(offset), (start + BLOCK as u64).min(end));
            if from < to {
                let into = (from - offset) as usize..(to - offset) as usize;
                bytes[into].copy_from_slice(&block[(from - start) as usize..(to - start) as usize]);
            }
        }
        reply.data(&bytes);
    }

    fn write(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut log = self.log.lock().unwrap();
        let mut done = 0;
        while done < data.len() {
            let at = offset as usize + done;
            let (block, within) = ((at / BLOCK) as u64, at % BLOCK);
            let length = (BLOCK - within).min(data.len() - done);
            let mut bytes = log.now.get(&block).map_or_else(|| vec![0; BLOCK], |old| old.to_vec());
            bytes[within..within + length].copy_from_slice(&data[done..done + length]);
            let bytes: Block = bytes.into();
            log.now.insert(block, bytes.clone());
            log.records.push(Record::Write(block, bytes));
            done += length;
        }
        reply.written(u32::try_from(data.len()).unwrap());
    }

    fn fsync(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, _data: bool, reply: ReplyEmpty) {
        self.log.lock().unwrap().records.push(Record::Flush);
        reply.ok();
    }
}
