//! The files below a directory, as answers to requests.
//!
//! Files are read where they are asked for, 64 KiB at a time. Such a read takes microseconds, or the time of
//! a disk if nobody has asked for the file lately; where that is long, it is a job for
//! `Context::run_blocking`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use httpdate::{fmt_http_date, parse_http_date};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

pub(crate) struct Files {
    root: OwnedFd,
}

pub(crate) enum Body {
    Ready(Bytes),
    Long(Part),
}

/// What is still to be sent of a file.
pub(crate) struct Part {
    file: File,
    left: u64,
}

impl Files {
    pub(crate) fn below(directory: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: openat(CWD, directory, flags, Mode::empty())? })
    }

    pub(crate) fn get(&self, path: &str, headers: &HeaderMap) -> Response<Body> {
        self.find(path, headers).unwrap_or_else(|error| {
            page(match Errno::from_io_error(&error) {
                Some(Errno::ACCESS) => StatusCode::FORBIDDEN,
                Some(Errno::IO | Errno::MFILE | Errno::NFILE) => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::NOT_FOUND,
            })
        })
    }

    fn find(&self, path: &str, headers: &HeaderMap) -> io::Result<Response<Body>> {
        let relative = path.trim_start_matches('/');
        let Some(mut name) = decoded(relative) else {
            return Ok(page(StatusCode::BAD_REQUEST));
        };
        if name.is_empty() || name.ends_with(b"/") {
            name.extend(INDEX);
        }
        let file = self.open(&name)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            let moved = page(StatusCode::MOVED_PERMANENTLY);
            return Ok(with(moved, header::LOCATION, &format!("/{relative}/")));
        } else if !metadata.is_file() {
            return Ok(page(StatusCode::NOT_FOUND));
        }
        let modified = metadata.modified()?.clamp(SystemTime::UNIX_EPOCH, SystemTime::now());
        let response = if is_known(modified, headers) {
            let mut response = Response::new(Body::Ready(Bytes::new()));
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            content(file, metadata.len(), headers, content_type(&name))?
        };
        Ok(with(response, header::LAST_MODIFIED, &fmt_http_date(modified)))
    }

    /// Never what is not below the root, whatever the name says and wherever symbolic links lead: the system
    /// sees to that.
    fn open(&self, name: &[u8]) -> io::Result<File> {
        // A pipe would keep us waiting for whom writes to it.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.root, name, flags, Mode::empty(), resolve)?.into())
    }
}

impl Part {
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The next piece, and `None` at the end.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is shorter than it was.
    pub(crate) fn read(&mut self) -> io::Result<Option<Bytes>> {
        let mut piece = vec![0; usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE))];
        self.file.read_exact(&mut piece)?;
        self.left -= piece.len() as u64;
        Ok((!piece.is_empty()).then(|| piece.into()))
    }
}

/// Whether the client has it already. Dates are of whole seconds.
fn is_known(modified: SystemTime, headers: &HeaderMap) -> bool {
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|since| since.to_str().ok());
    let since = since.and_then(|since| parse_http_date(since).ok());
    since.is_some_and(|since| modified < since + Duration::from_secs(1))
}

fn content(
    mut file: File,
    length: u64,
    headers: &HeaderMap,
    content_type: &str,
) -> io::Result<Response<Body>> {
    let Some(range) = range(headers, length) else {
        let response = Response::new(body(file, length)?);
        return Ok(with(response, header::CONTENT_TYPE, content_type));
    };
    if range.is_empty() {
        let response = page(StatusCode::RANGE_NOT_SATISFIABLE);
        return Ok(with(response, header::CONTENT_RANGE, &format!("bytes */{length}")));
    }
    file.seek(SeekFrom::Start(range.start))?;
    let mut response = Response::new(body(file, range.end - range.start)?);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let range = format!("bytes {}-{}/{length}", range.start, range.end - 1);
    let response = with(response, header::CONTENT_RANGE, &range);
    Ok(with(response, header::CONTENT_TYPE, content_type))
}

fn body(file: File, length: u64) -> io::Result<Body> {
    let mut part = Part { file, left: length };
    Ok(if length > PIECE as u64 {
        Body::Long(part)
    } else {
        Body::Ready(part.read()?.unwrap_or_default())
    })
}

/// What is asked for of so many bytes, if it is not all of them: `bytes=0-99`, `bytes=100-`, `bytes=-100`.
/// Who asks for several ranges, or for those of another version, gets all.
fn range(headers: &HeaderMap, length: u64) -> Option<Range<u64>> {
    let text = headers.get(header::RANGE).filter(|_| !headers.contains_key(header::IF_RANGE))?;
    let (first, last) = text.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    match (first.parse::<u64>().ok(), last.parse::<u64>().ok()) {
        (Some(first), Some(last)) if first <= last => {
            Some(first..last.saturating_add(1).min(length))
        }
        (Some(first), None) if last.is_empty() => Some(first..length),
        (None, Some(count)) if first.is_empty() => Some(length.saturating_sub(count)..length),
        _ => None,
    }
}

/// Without `%20` and its like.
fn decoded(path: &str) -> Option<Vec<u8>> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len() + INDEX.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let [high, low] =
                    [bytes.next()?, bytes.next()?].map(|d| char::from(d).to_digit(16));
                u8::try_from(high? * 16 + low?).ok()?
            }
            other => other,
        });
    }
    Some(decoded)
}

fn content_type(name: &[u8]) -> &'static str {
    match name.rsplit(|byte| *byte == b'.').next().unwrap_or_default() {
        b"css" => "text/css; charset=utf-8",
        b"gif" => "image/gif",
        b"htm" | b"html" => "text/html; charset=utf-8",
        b"jpeg" | b"jpg" => "image/jpeg",
        b"js" => "text/javascript; charset=utf-8",
        b"json" => "application/json",
        b"md" | b"rs" | b"toml" | b"txt" => "text/plain; charset=utf-8",
        b"pdf" => "application/pdf",
        b"png" => "image/png",
        b"svg" => "image/svg+xml",
        b"wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// An answer that says nothing but how it is.
pub(crate) fn page(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Ready(format!("{status}\n").into()));
    *response.status_mut() = status;
    with(response, header::CONTENT_TYPE, "text/plain")
}

pub(crate) fn with<B>(mut response: Response<B>, name: HeaderName, value: &str) -> Response<B> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

const INDEX: &[u8] = b"index.html";
const PIECE: usize = 64 * 1024;
