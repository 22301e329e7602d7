//! Random bits: identities, tails, jitter.

/// 128 bits for an identity.
pub fn bits() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the kernel's random source is ready once a system runs");
    bytes
}

/// Uniform over all 64-bit numbers.
pub fn number() -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = bits();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Uniform below `bound` (which is small against 2^64); 0 for 0.
pub fn below(bound: u64) -> u64 {
    number().checked_rem(bound).unwrap_or(0)
}

/// Four letters and digits that cannot be mistaken for one another, for the end of a task's name.
pub fn tail() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    bits()[..4].iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect()
}

/// A random UUID (version 4), for an agent's session.
pub fn uuid() -> String {
    let mut b = bits();
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
