//! What a power cut may leave of a log: all up to a flush, and of what came after it any part.
//!
//! Invariant: the same log and seed give the same states.

use crate::disk::{Ack, Block, Image, Log, Record};

/// A disk after a power cut, and what had been acknowledged by then.
pub(crate) struct State {
    pub(crate) number: usize,
    pub(crate) image: Image,
    pub(crate) acks: Vec<Ack>,
}

/// Calls `each` with every state from the record `from` on.
pub(crate) fn states(log: &Log, from: usize, subsets: usize, mut each: impl FnMut(State)) {
    let mut durable = Image::new();
    let mut open: Vec<(u64, Block)> = Vec::new();
    let mut acks = Vec::new();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut number = 0;
    for (at, record) in log.records.iter().enumerate() {
        let cuts = at >= from && !matches!(record, Record::Write(..));
        if cuts {
            for _ in 0..if open.is_empty() { 0 } else { subsets } {
                let percent = [20, 50, 80][dice.below(3)];
                let mut image = durable.clone();
                let lucky = open.iter().filter(|_| dice.below(100) < percent);
                image.extend(lucky.map(|(block, bytes)| (*block, bytes.clone())));
                number += 1;
                each(State { number, image, acks: acks.clone() });
            }
        }
        match record {
            Record::Write(block, bytes) => open.push((*block, bytes.clone())),
            Record::Flush => durable.extend(open.drain(..)),
            Record::Ack(ack) => acks.push(ack.clone()),
        }
        if cuts {
            number += 1;
            each(State { number, image: durable.clone(), acks: acks.clone() });
        }
    }
}

/// A generator whose numbers are always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
