//! Requests are answered rightly, and in their order.

use std::fs;
use std::time::Duration;

use bytes::Bytes;

use crate::client::{Act, Script};
use crate::folder::Folder;
use crate::http_server;
use crate::journal::Deed;
use crate::stage::{Fate, Outcome, Stage, anywhere};

const SERVER: (&str, u16) = ("server", 80);

/// A request may take long on a rough network. (The idle timeout is a minute.)
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to come back.
#[derive(Clone, Debug)]
struct Answer {
    status: &'static str,
    length: usize,
    /// Absent if only the head was asked for.
    body: Option<Bytes>,
}

pub(crate) fn files(seed: u64) -> Outcome {
    let folder = Folder::new("simulation");
    let (small, long) = (text(1_000), text(70_000));
    fs::write(folder.at("small.txt"), &small).expect("our folder");
    fs::write(folder.at("long.bin"), &long).expect("our folder");
    let directory = folder.at("");
    let mut stage = Stage::new(seed, move |kernel| {
        let (address, directory, patience) = (anywhere(SERVER.1), directory.clone(), PATIENCE);
        let settings = http_server::Settings { address, directory, patience };
        http_server::start(kernel, settings).expect("the folder is there");
    });
    stage.set_patience(Duration::from_secs(10));
    stage.tells_the_time();
    let mut expected = Vec::new();
    for _ in 0..stage.random.usize(1..8) {
        let (script, answers) = script(&mut stage, &small, &long);
        stage.invite(script);
        expected.push(answers);
    }
    stage.live();
    stage.end(|fates, _| {
        for (fate, answers) in fates.iter().zip(&expected) {
            judge(fate, answers);
        }
    })
}

fn text(length: usize) -> Bytes {
    (0..length).map(|at| b"0123456789abcdef\n"[at % 17]).collect()
}

fn script(stage: &mut Stage, small: &Bytes, long: &Bytes) -> (Script, Vec<Answer>) {
    let (mut acts, mut answers) = (Vec::new(), Vec::new());
    let count = stage.random.usize(1..8);
    for at in 0..count {
        let is_last = at + 1 == count;
        let fields = if is_last { "Host: a\r\nConnection: close" } else { "Host: a" };
        let whole =
            |status, body: &Bytes| Answer { status, length: body.len(), body: Some(body.clone()) };
        let (request, answer) = match stage.random.u8(..7) {
            0 => (format!("GET /long.bin HTTP/1.1\r\n{fields}\r\n\r\n"), whole("200", long)),
            1 => {
                let answer = Answer { status: "200", length: long.len(), body: None };
                (format!("HEAD /long.bin HTTP/1.1\r\n{fields}\r\n\r\n"), answer)
            }
            2 => {
                let body = Bytes::from_static(b"404 Not Found\n");
                (format!("GET /nothing HTTP/1.1\r\n{fields}\r\n\r\n"), whole("404", &body))
            }
            3 => {
                let range = "Range: bytes=100-199";
                let answer = whole("206", &long.slice(100..200));
                (format!("GET /long.bin HTTP/1.1\r\n{fields}\r\n{range}\r\n\r\n"), answer)
            }
            4 => {
                let body = "line\n".repeat(stage.random.usize(..200));
                let head = format!("{fields}\r\nContent-Length: {}", body.len());
                (
                    format!("POST /api/count HTTP/1.1\r\n{head}\r\n\r\n{body}"),
                    whole("200", &counted(&body)),
                )
            }
            5 => {
                let body = "a line\n".repeat(stage.random.usize(1..200));
                let head = format!("{fields}\r\nTransfer-Encoding: chunked");
                let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
                (
                    format!("POST /api/count HTTP/1.1\r\n{head}\r\n\r\n{chunk}"),
                    whole("200", &counted(&body)),
                )
            }
            _ => (format!("GET /small.txt HTTP/1.1\r\n{fields}\r\n\r\n"), whole("200", small)),
        };
        let mut request = Bytes::from(request);
        if stage.random.u8(..4) == 0 {
            // In two pieces.
            let begin = request.split_to(stage.random.usize(..request.len()));
            acts.push((stage.pause(), Act::Say(begin)));
        }
        acts.push((stage.pause(), Act::Say(request)));
        answers.push(answer);
    }
    match stage.random.u8(..8) {
        0 => acts.push((stage.pause(), Act::Leave)),
        1 => acts.push((stage.pause(), Act::HalfClose)),
        _ => {}
    }
    (Script { server: SERVER, rest: stage.rest(), acts }, answers)
}

fn counted(body: &str) -> Bytes {
    format!("{{\"bytes\":{},\"lines\":{}}}\n", body.len(), body.lines().count()).into()
}

/// What came is right as far as it goes; whoever was left in peace has got all of it, and the end.
fn judge(fate: &Fate, answers: &[Answer]) {
    let mut got = &fate.story.got[..];
    let mut count = 0;
    while !got.is_empty() {
        let Some(rest) = read(got, answers.get(count), fate) else { break };
        (got, count) = (rest, count + 1);
    }
    // On a rough network a minute may pass in which nothing comes.
    if fate.on_time && fate.story.end != Some(Deed::Left) {
        assert_eq!(fate.story.end, Some(Deed::Heard), "{fate}");
        assert!(
            got.is_empty() && count == answers.len(),
            "{count} of {} answers: {fate}",
            answers.len()
        );
    }
}

/// One answer off the front; `None` of one that is not all there.
fn read<'a>(got: &'a [u8], answer: Option<&Answer>, fate: &Fate) -> Option<&'a [u8]> {
    let end = got.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = str::from_utf8(&got[..end]).expect("text");
    let status = head.split(' ').nth(1).expect("a status");
    if status == "408" && !fate.on_time {
        return None;
    }
    let answer = answer.unwrap_or_else(|| panic!("nothing was asked, but the answer is {head:?}"));
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    assert_eq!((status, length), (answer.status, Some(answer.length)), "{head:?}");
    let Some(body) = &answer.body else { return Some(&got[end..]) };
    let there = &got[end..got.len().min(end + body.len())];
    assert!(body.starts_with(there), "another body");
    (there.len() == body.len()).then(|| &got[end + body.len()..])
}
