//! OpenFlow's errors: what decoding can find wrong, and what an error message can say. Names follow Open vSwitch.

use crate::Version;
use std::fmt;

/// A kind of error, by the name that Open vSwitch gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OfpError(pub(crate) &'static str);

macro_rules! errors {
    ($($konst:ident = $name:literal,)*) => {
        #[allow(missing_docs, reason = "each is the error of the same name")]
        impl OfpError { $(pub const $konst: Self = Self($name);)* }
    };
}

errors! {
    BAD_LEN = "OFPBRC_BAD_LEN",
    BAD_VERSION = "OFPBRC_BAD_VERSION",
    BAD_TYPE = "OFPBRC_BAD_TYPE",
    BAD_STAT = "OFPBRC_BAD_STAT",
    BAD_VENDOR = "OFPBRC_BAD_VENDOR",
    BAD_SUBTYPE = "OFPBRC_BAD_SUBTYPE",
    BAD_PORT = "OFPBRC_BAD_PORT",
    BAD_TABLE_ID = "OFPBRC_BAD_TABLE_ID",
    MUST_BE_ZERO = "NXBRC_MUST_BE_ZERO",
    BAD_REASON = "NXBRC_BAD_REASON",
    FM_BAD_EVENT = "NXBRC_FM_BAD_EVENT",
    ACTION_BAD_LEN = "OFPBAC_BAD_LEN",
    ACTION_BAD_TYPE = "OFPBAC_BAD_TYPE",
    ACTION_BAD_VENDOR = "OFPBAC_BAD_VENDOR",
    ACTION_BAD_VENDOR_TYPE = "OFPBAC_BAD_VENDOR_TYPE",
    ACTION_BAD_ARGUMENT = "OFPBAC_BAD_ARGUMENT",
    ACTION_BAD_OUT_PORT = "OFPBAC_BAD_OUT_PORT",
    ACTION_BAD_SET_TYPE = "OFPBAC_BAD_SET_TYPE",
    ACTION_BAD_SET_LEN = "OFPBAC_BAD_SET_LEN",
    ACTION_BAD_SET_ARGUMENT = "OFPBAC_BAD_SET_ARGUMENT",
    ACTION_SET_MASK = "OFPBAC_SET_MASK",
    ACTION_TOO_MANY = "OFPBAC_TOO_MANY",
    ACTION_MUST_BE_ZERO = "NXBAC_MUST_BE_ZERO",
    ACTION_MATCH_INCONSISTENT = "OFPBAC_MATCH_INCONSISTENT",
    ACTION_UNSUPPORTED_ORDER = "OFPBAC_UNSUPPORTED_ORDER",
    ACTION_BAD_CONJUNCTION = "NXBAC_BAD_CONJUNCTION",
    ACTION_BAD_TAG = "OFPBAC_BAD_TAG",
    ACTION_CT_DATAPATH_SUPPORT = "NXBAC_CT_DATAPATH_SUPPORT",
    ACTION_UNKNOWN_ED_PROP = "OFPBAC_UNKNOWN_ED_PROP",
    ACTION_BAD_ED_PROP = "NXBAC_BAD_ED_PROP",
    ACTION_BAD_HEADER_TYPE = "NXBAC_BAD_HEADER_TYPE",
    ACTION_UNKNOWN_ED_TYPE = "NXBAC_UNKNOWN_ED_PROP",
    INSTRUCTION_UNKNOWN = "OFPBIC_UNKNOWN_INST",
    INSTRUCTION_BAD_LEN = "OFPBIC_BAD_LEN",
    INSTRUCTION_BAD_EXP_TYPE = "OFPBIC_BAD_EXP_TYPE",
    INSTRUCTION_BAD_EXPERIMENTER = "OFPBIC_BAD_EXPERIMENTER",
    INSTRUCTION_BAD_TABLE_ID = "OFPBIC_BAD_TABLE_ID",
    INSTRUCTION_DUP = "OFPBIC_DUP_INST",
    INSTRUCTION_UNSUP = "OFPBIC_UNSUP_INST",
    MATCH_BAD_TYPE = "OFPBMC_BAD_TYPE",
    MATCH_BAD_LEN = "OFPBMC_BAD_LEN",
    MATCH_BAD_TAG = "OFPBMC_BAD_TAG",
    MATCH_BAD_WILDCARDS = "OFPBMC_BAD_WILDCARDS",
    MATCH_BAD_FIELD = "OFPBMC_BAD_FIELD",
    MATCH_BAD_VALUE = "OFPBMC_BAD_VALUE",
    MATCH_BAD_MASK = "OFPBMC_BAD_MASK",
    MATCH_BAD_PREREQ = "OFPBMC_BAD_PREREQ",
    MATCH_DUP_FIELD = "OFPBMC_DUP_FIELD",
    FLOW_BAD_COMMAND = "OFPFMFC_BAD_COMMAND",
    FLOW_BAD_FLAGS = "OFPFMFC_BAD_FLAGS",
    FLOW_BAD_TABLE_ID = "OFPFMFC_BAD_TABLE_ID",
    FLOW_BAD_PRIORITY = "OFPFMFC_BAD_PRIORITY",
    FLOW_UNKNOWN = "OFPFMFC_UNKNOWN",
    GROUP_INVALID = "OFPGMFC_INVALID_GROUP",
    GROUP_BAD_TYPE = "OFPGMFC_BAD_TYPE",
    GROUP_BAD_COMMAND = "OFPGMFC_BAD_COMMAND",
    GROUP_BAD_BUCKET = "OFPGMFC_BAD_BUCKET",
    GROUP_UNKNOWN_BUCKET = "OFPGMFC_UNKNOWN_BUCKET",
    GROUP_BUCKET_EXISTS = "OFPGMFC_BUCKET_EXISTS",
    METER_BAD_COMMAND = "OFPMMFC_BAD_COMMAND",
    METER_BAD_FLAGS = "OFPMMFC_BAD_FLAGS",
    METER_INVALID = "OFPMMFC_INVALID_METER",
    METER_BAD_BAND = "OFPMMFC_BAD_BAND",
    PROPERTY_BAD_TYPE = "OFPBPC_BAD_TYPE",
    PROPERTY_BAD_LEN = "OFPBPC_BAD_LEN",
    PROPERTY_BAD_VALUE = "OFPBPC_BAD_VALUE",
    PROPERTY_TOO_MANY = "OFPBPC_TOO_MANY",
    PROPERTY_DUP_TYPE = "OFPBPC_DUP_TYPE",
    PROPERTY_BAD_EXPERIMENTER = "OFPBPC_BAD_EXPERIMENTER",
    PROPERTY_BAD_EXP_TYPE = "OFPBPC_BAD_EXP_TYPE",
    BUNDLE_BAD_ID = "OFPBFC_BAD_ID",
    BUNDLE_BAD_TYPE = "OFPBFC_BAD_TYPE",
    BUNDLE_BAD_FLAGS = "OFPBFC_BAD_FLAGS",
    BUNDLE_MSG_BAD_LEN = "OFPBFC_MSG_BAD_LEN",
    BUNDLE_MSG_BAD_XID = "OFPBFC_MSG_BAD_XID",
    BUNDLE_MSG_UNSUP = "OFPBFC_MSG_UNSUP",
    FLOW_MONITOR_UNKNOWN = "OFPMOFC_UNKNOWN",
    FLOW_MONITOR_BAD_COMMAND = "OFPMOFC_BAD_COMMAND",
    FLOW_MONITOR_BAD_FLAGS = "OFPMOFC_BAD_FLAGS",
    TABLE_BAD_COMMAND = "NXTTMFC_BAD_COMMAND",
    TLV_BAD_FIELD_INDEX = "NXTTMFC_BAD_FIELD_IDX",
    TLV_BAD_OPTION_LEN = "NXTTMFC_BAD_OPT_LEN",
    ROLE_BAD = "OFPRRFC_BAD_ROLE",
}

impl OfpError {
    /// The name, such as `OFPBRC_BAD_LEN`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }

    /// The type and code of an error message of this version; `None` if the version has no word for it.
    #[must_use]
    pub fn numbers(self, version: Version) -> Option<(u16, u16)> {
        super::error_table::numbers(self, version)
    }
}

impl fmt::Display for OfpError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl fmt::Debug for OfpError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// Bytes are not the message they claim to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{error} at byte {offset}")]
pub struct DecodeError {
    /// Where, in bytes from the beginning of the message.
    pub offset: usize,
    /// What.
    pub error: OfpError,
}
