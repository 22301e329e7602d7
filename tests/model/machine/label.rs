//! What one step is called: an actor and its call, for traces and for the replay.

use std::fmt;

use super::state::Place;

/// A call on a name, or a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    /// `rename(tmp → workers/W)`
    Register,
    /// `link(workers/W → claims/T.e)`
    Link,
    /// `open(ready/T.e)`
    Open,
    UnlinkClaim,
    /// The holder asks whether a request is there, with the claim new or the agent ended.
    AskRequest,
    /// Takes the tree's lock and starts the agent, or finds it taken.
    Enter,
    /// The agent ends: well, badly, or to be tried again.
    Ends(End),
    /// Looks at the name, the claim and the request.
    Standing,
    /// `rename` of the task's name.
    Rename(Place),
    /// Lists the directory of a refused rename's destination.
    ListFor(Place),
    UnlinkRequest,
    UnlinkWorker,
    UnlinkRetire,
    /// `utimensat(workers/W)` that finds nothing.
    Beat,
    /// Looks at the claim in hand, and stops the agent.
    StopAgent,
    ListClaims,
    LookWorker,
    /// Looks for `ready/?-T.e`.
    LookReady,
    WriteLost,
    LookIntake,
    LinkRecord,
    ListRequests,
    ListReady,
    ListBlocked,
    ListEnded,
    ListLife,
    /// `rename(workers/W → gone/W)`
    Declare,
    ListGone,
    Kill,
    UnlinkGone,
    /// `rename(tmp → cancel/T)`
    PlaceRequest,
    WriteRetry,
    /// `rename(tmp → pending/NAME)`
    DropFile,
    FinishWriting,
    LookPending,
    LookNamed,
    Remove,
    AskRetire,
    /// A listing that a person reads, and the command that follows.
    Decide,
    Crash,
    DeleteClaim,
    ReplaceCard,
}

/// How an attempt ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum End {
    Done,
    Failed,
    GiveBack,
    Cancel,
    Reject,
}

impl End {
    pub(crate) const ALL: [End; 5] =
        [End::Done, End::Failed, End::GiveBack, End::Cancel, End::Reject];

    pub(crate) fn place(self) -> Place {
        match self {
            End::Done => Place::Done,
            End::Failed => Place::Failed,
            End::GiveBack => Place::Due,
            End::Cancel => Place::Cancelled,
            End::Reject => Place::Rejected,
        }
    }
}

/// One step of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Label {
    /// The actor's number in the state.
    pub(crate) actor: u8,
    /// `W0`, `H0`, `R0`, `U0`.
    pub(crate) role: (char, u8),
    pub(crate) call: Call,
    pub(crate) task: u8,
    pub(crate) epoch: u8,
    /// The call was made, and said that it was not.
    pub(crate) lost: bool,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, number) = self.role;
        let lost = if self.lost { ", reply lost" } else { "" };
        write!(f, "{role}{number} {:?} T{}.{}{lost}", self.call, self.task, self.epoch)
    }
}
