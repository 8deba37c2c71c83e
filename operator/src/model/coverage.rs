//! What traces have met. A test that meets too little of it proves nothing.

/// Something that a trace may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Met {
    Request,
    Approval,
    Rejection,
    Verdict,
    Withdrawal,
    WithdrawalAfterApproval,
    Expiry,
    TimeOut,
    Promotion,
    Rollback,
    TakeDown,
    Archived,
    CrashAfterSwitch,
    Crash,
    LostAnswer,
    FailedRequest,
    ActWithinPass,
    PassWithinPass,
    StalePass,
    Restart,
    VersionMadeAgain,
    ApprovedVersionDeleted,
    MainDeleted,
    DeploymentMadeAgain,
    DeploymentEnding,
    VersionEnding,
    FailedVerdictAndApproval,
    ReplayRefused,
    Tampered,
    ChildDeleted,
    PodFailed,
    BrokenBytes,
    Conflict,
    RefusedAct,
    ForeignObject,
}

impl Met {
    pub const ALL: [Self; 35] = [
        Self::Request,
        Self::Approval,
        Self::Rejection,
        Self::Verdict,
        Self::Withdrawal,
        Self::WithdrawalAfterApproval,
        Self::Expiry,
        Self::TimeOut,
        Self::Promotion,
        Self::Rollback,
        Self::TakeDown,
        Self::Archived,
        Self::CrashAfterSwitch,
        Self::Crash,
        Self::LostAnswer,
        Self::FailedRequest,
        Self::ActWithinPass,
        Self::PassWithinPass,
        Self::StalePass,
        Self::Restart,
        Self::VersionMadeAgain,
        Self::ApprovedVersionDeleted,
        Self::MainDeleted,
        Self::DeploymentMadeAgain,
        Self::DeploymentEnding,
        Self::VersionEnding,
        Self::FailedVerdictAndApproval,
        Self::ReplayRefused,
        Self::Tampered,
        Self::ChildDeleted,
        Self::PodFailed,
        Self::BrokenBytes,
        Self::Conflict,
        Self::RefusedAct,
        Self::ForeignObject,
    ];
}

/// What one trace has met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage(u64);

impl Coverage {
    /// The trace has met this.
    pub fn note(&mut self, met: Met) {
        self.0 |= 1 << met as u8;
    }

    /// Whether the trace has met this.
    pub fn has(self, met: Met) -> bool {
        self.0 & (1 << met as u8) != 0
    }
}
