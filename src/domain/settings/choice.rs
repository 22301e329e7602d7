//! Settings that are one of a few words. Pure.

/// What is fsynced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Everything that was acknowledged survives a power cut.
    #[default]
    Strict,
    /// A power cut may take the last seconds' acknowledgements; a crash of processes takes nothing.
    Relaxed,
}

/// Who may read prompts, transcripts, logs and the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// Their owner.
    Private,
    /// Also the group that they belong to, which may write them, too.
    Group,
}

impl Share {
    /// Both.
    pub const ALL: [Share; 2] = [Share::Private, Share::Group];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Share::Private => "private",
            Share::Group => "group",
        }
    }
}

/// Whether attempts are put into control groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cgroups {
    /// Where they can be had, as far as they can.
    #[default]
    Auto,
    /// Never.
    Off,
    /// Always; where memory and processes cannot be limited, no worker starts.
    Require,
}

impl Cgroups {
    /// All of them.
    pub const ALL: [Cgroups; 3] = [Cgroups::Auto, Cgroups::Off, Cgroups::Require];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Cgroups::Auto => "auto",
            Cgroups::Off => "off",
            Cgroups::Require => "require",
        }
    }
}
