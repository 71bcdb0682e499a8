//! The table of errors: name, and vendor, type and code in each version that has them. Facts as `ovs-ofctl print-error`
//! of Open vSwitch 3.1 states them.

use super::{ErrorMessage, OfpError};
use crate::Version::{self, *};

const NICIRA: u32 = 0x2320;
const ONF: u32 = 0x4f4e_4600;

type Meaning = (Version, Version, u32, u16, u16);

// Name, and from which to which version it has which vendor (0: OpenFlow itself), type and code.
#[rustfmt::skip]
static TABLE: &[(&str, &[Meaning])] = &[
    ("NXBAC_BAD_CONJUNCTION", &[(V10, V11, NICIRA, 2, 526), (V12, V15, NICIRA, 15, 0)]),
    ("NXBAC_BAD_ED_PROP", &[(V13, V15, NICIRA, 41, 0)]),
    ("NXBAC_BAD_HEADER_TYPE", &[(V13, V15, NICIRA, 39, 0)]),
    ("NXBAC_CT_DATAPATH_SUPPORT", &[(V10, V11, NICIRA, 1, 265), (V12, V15, NICIRA, 42, 0)]),
    ("NXBAC_MUST_BE_ZERO", &[(V10, V11, NICIRA, 2, 256), (V12, V15, NICIRA, 11, 0)]),
    ("NXBAC_UNKNOWN_ED_PROP", &[(V13, V15, NICIRA, 40, 0)]),
    ("NXBMC_CT_DATAPATH_SUPPORT", &[(V10, V11, NICIRA, 1, 264), (V12, V15, NICIRA, 43, 0)]),
    ("NXBRC_BAD_REASON", &[(V10, V11, NICIRA, 1, 516), (V12, V15, NICIRA, 5, 0)]),
    ("NXBRC_FM_BAD_EVENT", &[(V10, V11, NICIRA, 1, 520), (V12, V15, NICIRA, 9, 0)]),
    ("NXBRC_MUST_BE_ZERO", &[(V10, V11, NICIRA, 1, 515), (V12, V15, NICIRA, 4, 0)]),
    ("NXBRC_NXM_BAD_TYPE", &[(V10, V11, NICIRA, 1, 257), (V12, V15, NICIRA, 3, 0)]),
    ("NXBRC_NXM_INVALID", &[(V10, V11, NICIRA, 1, 256), (V12, V15, NICIRA, 2, 0)]),
    ("NXBRC_UNENCODABLE_ERROR", &[(V10, V11, NICIRA, 1, 521), (V12, V15, NICIRA, 10, 0)]),
    ("NXFMFC_BAD_TABLE_ID", &[(V10, V11, NICIRA, 5, 257), (V12, V15, NICIRA, 13, 0)]),
    ("NXFMFC_HARDWARE", &[(V10, V11, NICIRA, 5, 256), (V12, V15, NICIRA, 12, 0)]),
    ("NXFMFC_INVALID_TLV_FIELD", &[(V10, V11, NICIRA, 1, 536), (V12, V15, NICIRA, 37, 0)]),
    ("NXQOFC_QUEUE_ERROR", &[(V14, V15, NICIRA, 23, 0)]),
    ("NXR_NOT_SUPPORTED", &[(V10, V11, NICIRA, 1, 533), (V12, V15, NICIRA, 34, 0)]),
    ("NXR_STALE", &[(V10, V11, NICIRA, 1, 534), (V12, V15, NICIRA, 35, 0)]),
    ("NXST_NOT_CONFIGURED", &[(V10, V11, NICIRA, 1, 535), (V12, V15, NICIRA, 36, 0)]),
    ("NXTFFC_DUP_TABLE", &[(V13, V15, NICIRA, 44, 0)]),
    ("NXTTMFC_ALREADY_MAPPED", &[(V10, V11, NICIRA, 1, 531), (V12, V15, NICIRA, 20, 0)]),
    ("NXTTMFC_BAD_COMMAND", &[(V10, V11, NICIRA, 1, 527), (V12, V15, NICIRA, 16, 0)]),
    ("NXTTMFC_BAD_FIELD_IDX", &[(V10, V11, NICIRA, 1, 529), (V12, V15, NICIRA, 18, 0)]),
    ("NXTTMFC_BAD_OPT_LEN", &[(V10, V11, NICIRA, 1, 528), (V12, V15, NICIRA, 17, 0)]),
    ("NXTTMFC_DUP_ENTRY", &[(V10, V11, NICIRA, 1, 532), (V12, V15, NICIRA, 21, 0)]),
    ("NXTTMFC_INVALID_TLV_DEL", &[(V10, V11, NICIRA, 1, 537), (V12, V15, NICIRA, 38, 0)]),
    ("NXTTMFC_TABLE_FULL", &[(V10, V11, NICIRA, 1, 530), (V12, V15, NICIRA, 19, 0)]),
    ("OFPACFC_EPERM", &[(V13, V13, ONF, 2372, 0), (V14, V15, 0, 15, 2)]),
    ("OFPACFC_INVALID", &[(V13, V13, ONF, 2370, 0), (V14, V15, 0, 15, 0)]),
    ("OFPACFC_UNSUPPORTED", &[(V13, V13, ONF, 2371, 0), (V14, V15, 0, 15, 1)]),
    ("OFPBAC_BAD_ARGUMENT", &[(V10, V15, 0, 2, 5)]),
    ("OFPBAC_BAD_LEN", &[(V10, V15, 0, 2, 1)]),
    ("OFPBAC_BAD_METER", &[(V15, V15, 0, 2, 17)]),
    ("OFPBAC_BAD_OUT_GROUP", &[(V10, V10, NICIRA, 2, 9), (V11, V15, 0, 2, 9)]),
    ("OFPBAC_BAD_OUT_PORT", &[(V10, V15, 0, 2, 4)]),
    ("OFPBAC_BAD_QUEUE", &[(V10, V15, 0, 2, 8)]),
    ("OFPBAC_BAD_SET_ARGUMENT", &[(V10, V11, NICIRA, 1, 525), (V12, V15, 0, 2, 15)]),
    ("OFPBAC_BAD_SET_LEN", &[(V10, V11, NICIRA, 1, 524), (V12, V15, 0, 2, 14)]),
    ("OFPBAC_BAD_SET_MASK", &[(V13, V14, ONF, 4250, 0), (V15, V15, 0, 2, 16)]),
    ("OFPBAC_BAD_SET_TYPE", &[(V10, V11, NICIRA, 1, 523), (V12, V15, 0, 2, 13)]),
    ("OFPBAC_BAD_TAG", &[(V11, V15, 0, 2, 12)]),
    ("OFPBAC_BAD_TYPE", &[(V10, V15, 0, 2, 0)]),
    ("OFPBAC_BAD_VENDOR", &[(V10, V15, 0, 2, 2)]),
    ("OFPBAC_BAD_VENDOR_TYPE", &[(V10, V15, 0, 2, 3)]),
    ("OFPBAC_EPERM", &[(V10, V15, 0, 2, 6)]),
    ("OFPBAC_MATCH_INCONSISTENT", &[(V10, V10, NICIRA, 1, 522), (V11, V15, 0, 2, 10)]),
    ("OFPBAC_TOO_MANY", &[(V10, V15, 0, 2, 7)]),
    ("OFPBAC_UNSUPPORTED_ORDER", &[(V11, V15, 0, 2, 11)]),
    ("OFPBFC_BAD_FLAGS", &[(V13, V13, ONF, 2307, 0), (V14, V15, 0, 17, 7)]),
    ("OFPBFC_BAD_ID", &[(V13, V13, ONF, 2302, 0), (V14, V15, 0, 17, 2)]),
    ("OFPBFC_BAD_TYPE", &[(V13, V13, ONF, 2306, 0), (V14, V15, 0, 17, 6)]),
    ("OFPBFC_BAD_VERSION", &[(V14, V15, NICIRA, 22, 0)]),
    ("OFPBFC_BUNDLE_CLOSED", &[(V13, V13, ONF, 2304, 0), (V14, V15, 0, 17, 4)]),
    ("OFPBFC_BUNDLE_EXIST", &[(V13, V13, ONF, 2303, 0), (V14, V15, 0, 17, 3)]),
    ("OFPBFC_BUNDLE_IN_PROGRESS", &[(V13, V13, ONF, 2315, 0), (V14, V15, 0, 17, 15)]),
    ("OFPBFC_EPERM", &[(V13, V13, ONF, 2301, 0), (V14, V15, 0, 17, 1)]),
    ("OFPBFC_MSG_BAD_LEN", &[(V13, V13, ONF, 2308, 0), (V14, V15, 0, 17, 8)]),
    ("OFPBFC_MSG_BAD_XID", &[(V13, V13, ONF, 2309, 0), (V14, V15, 0, 17, 9)]),
    ("OFPBFC_MSG_CONFLICT", &[(V13, V13, ONF, 2311, 0), (V14, V15, 0, 17, 11)]),
    ("OFPBFC_MSG_FAILED", &[(V13, V13, ONF, 2313, 0), (V14, V15, 0, 17, 13)]),
    ("OFPBFC_MSG_TOO_MANY", &[(V13, V13, ONF, 2312, 0), (V14, V15, 0, 17, 12)]),
    ("OFPBFC_MSG_UNSUP", &[(V13, V13, ONF, 2310, 0), (V14, V15, 0, 17, 10)]),
    ("OFPBFC_OUT_OF_BUNDLES", &[(V13, V13, ONF, 2305, 0), (V14, V15, 0, 17, 5)]),
    ("OFPBFC_SCHED_FUTURE", &[(V15, V15, 0, 17, 17)]),
    ("OFPBFC_SCHED_NOT_SUPPORTED", &[(V15, V15, 0, 17, 16)]),
    ("OFPBFC_SCHED_PAST", &[(V15, V15, 0, 17, 18)]),
    ("OFPBFC_TIMEOUT", &[(V13, V13, ONF, 2314, 0), (V14, V15, 0, 17, 14)]),
    ("OFPBFC_UNKNOWN", &[(V13, V13, ONF, 2300, 0), (V14, V15, 0, 17, 0)]),
    ("OFPBIC_BAD_EXPERIMENTER", &[(V11, V15, 0, 3, 5)]),
    ("OFPBIC_BAD_EXP_TYPE", &[(V11, V11, 0, 3, 5), (V12, V15, 0, 3, 6)]),
    ("OFPBIC_BAD_LEN", &[(V12, V15, 0, 3, 7)]),
    ("OFPBIC_BAD_TABLE_ID", &[(V11, V15, 0, 3, 2)]),
    ("OFPBIC_DUP_INST", &[(V11, V11, NICIRA, 3, 256), (V12, V13, ONF, 2600, 0), (V14, V15, 0, 3, 9)]),
    ("OFPBIC_EPERM", &[(V12, V15, 0, 3, 8)]),
    ("OFPBIC_UNKNOWN_INST", &[(V11, V15, 0, 3, 0)]),
    ("OFPBIC_UNSUP_INST", &[(V10, V10, NICIRA, 2, 257), (V11, V15, 0, 3, 1)]),
    ("OFPBIC_UNSUP_METADATA", &[(V11, V15, 0, 3, 3)]),
    ("OFPBIC_UNSUP_METADATA_MASK", &[(V11, V15, 0, 3, 4)]),
    ("OFPBMC_BAD_DL_ADDR_MASK", &[(V11, V15, 0, 4, 3)]),
    ("OFPBMC_BAD_FIELD", &[(V10, V10, NICIRA, 0, 263), (V11, V15, 0, 4, 6)]),
    ("OFPBMC_BAD_LEN", &[(V11, V15, 0, 4, 1)]),
    ("OFPBMC_BAD_MASK", &[(V10, V11, NICIRA, 1, 259), (V12, V15, 0, 4, 8)]),
    ("OFPBMC_BAD_NW_ADDR_MASK", &[(V11, V15, 0, 4, 4)]),
    ("OFPBMC_BAD_PREREQ", &[(V10, V11, NICIRA, 1, 260), (V12, V15, 0, 4, 9)]),
    ("OFPBMC_BAD_TAG", &[(V11, V15, 0, 4, 2)]),
    ("OFPBMC_BAD_TYPE", &[(V11, V15, 0, 4, 0)]),
    ("OFPBMC_BAD_VALUE", &[(V10, V10, NICIRA, 1, 258), (V11, V15, 0, 4, 7)]),
    ("OFPBMC_BAD_WILDCARDS", &[(V10, V10, NICIRA, 1, 262), (V11, V15, 0, 4, 5)]),
    ("OFPBMC_DUP_FIELD", &[(V10, V11, NICIRA, 1, 261), (V12, V15, 0, 4, 10)]),
    ("OFPBMC_EPERM", &[(V12, V15, 0, 4, 11)]),
    ("OFPBPC_BAD_EXPERIMENTER", &[(V10, V11, NICIRA, 14, 5), (V12, V12, NICIRA, 30, 0), (V13, V13, ONF, 4445, 0), (V14, V15, 0, 14, 5)]),
    ("OFPBPC_BAD_EXP_TYPE", &[(V10, V11, NICIRA, 14, 6), (V12, V12, NICIRA, 31, 0), (V13, V13, ONF, 4446, 0), (V14, V15, 0, 14, 6)]),
    ("OFPBPC_BAD_EXP_VALUE", &[(V10, V11, NICIRA, 14, 7), (V12, V12, NICIRA, 32, 0), (V13, V13, ONF, 4447, 0), (V14, V15, 0, 14, 7)]),
    ("OFPBPC_BAD_LEN", &[(V10, V11, NICIRA, 13, 3), (V12, V12, NICIRA, 26, 0), (V13, V13, 0, 13, 3), (V14, V15, 0, 14, 1)]),
    ("OFPBPC_BAD_TYPE", &[(V10, V11, NICIRA, 13, 2), (V12, V12, NICIRA, 25, 0), (V13, V13, 0, 13, 2), (V14, V15, 0, 14, 0)]),
    ("OFPBPC_BAD_VALUE", &[(V10, V11, NICIRA, 13, 4), (V12, V12, NICIRA, 27, 0), (V13, V13, 0, 13, 4), (V14, V15, 0, 14, 2)]),
    ("OFPBPC_DUP_TYPE", &[(V10, V11, NICIRA, 14, 4), (V12, V12, NICIRA, 29, 0), (V13, V13, ONF, 4444, 0), (V14, V15, 0, 14, 4)]),
    ("OFPBPC_EPERM", &[(V10, V11, NICIRA, 14, 8), (V12, V12, NICIRA, 33, 0), (V13, V13, ONF, 4448, 0), (V14, V15, 0, 14, 8)]),
    ("OFPBPC_TOO_MANY", &[(V10, V11, NICIRA, 14, 3), (V12, V12, NICIRA, 28, 0), (V13, V13, ONF, 4443, 0), (V14, V15, 0, 14, 3)]),
    ("OFPBRC_BAD_LEN", &[(V10, V15, 0, 1, 6)]),
    ("OFPBRC_BAD_PACKET", &[(V12, V15, 0, 1, 12)]),
    ("OFPBRC_BAD_PORT", &[(V10, V11, NICIRA, 1, 514), (V12, V15, 0, 1, 11)]),
    ("OFPBRC_BAD_STAT", &[(V10, V15, 0, 1, 2)]),
    ("OFPBRC_BAD_SUBTYPE", &[(V10, V15, 0, 1, 4)]),
    ("OFPBRC_BAD_TABLE_ID", &[(V10, V10, NICIRA, 1, 512), (V11, V15, 0, 1, 9)]),
    ("OFPBRC_BAD_TYPE", &[(V10, V15, 0, 1, 1)]),
    ("OFPBRC_BAD_VENDOR", &[(V10, V15, 0, 1, 3)]),
    ("OFPBRC_BAD_VERSION", &[(V10, V15, 0, 1, 0)]),
    ("OFPBRC_BUFFER_EMPTY", &[(V10, V15, 0, 1, 7)]),
    ("OFPBRC_BUFFER_UNKNOWN", &[(V10, V15, 0, 1, 8)]),
    ("OFPBRC_EPERM", &[(V10, V15, 0, 1, 5)]),
    ("OFPBRC_IS_SECONDARY", &[(V10, V11, 0, 1, 5), (V12, V15, 0, 1, 10)]),
    ("OFPBRC_MULTIPART_BAD_SCHED", &[(V15, V15, 0, 1, 16)]),
    ("OFPBRC_MULTIPART_BUFFER_OVERFLOW", &[(V13, V15, 0, 1, 13)]),
    ("OFPBRC_MULTIPART_REPLY_TIMEOUT", &[(V13, V13, ONF, 2641, 0), (V14, V15, 0, 1, 15)]),
    ("OFPBRC_MULTIPART_REQUEST_TIMEOUT", &[(V13, V13, ONF, 2640, 0), (V14, V15, 0, 1, 14)]),
    ("OFPBRC_PIPELINE_FIELDS_ONLY", &[(V15, V15, 0, 1, 17)]),
    ("OFPBRC_UNKNOWN", &[(V15, V15, 0, 1, 18)]),
    ("OFPFMFC_BAD_COMMAND", &[(V10, V10, 0, 3, 4), (V11, V15, 0, 5, 6)]),
    ("OFPFMFC_BAD_EMERG_TIMEOUT", &[(V10, V10, 0, 3, 3)]),
    ("OFPFMFC_BAD_FLAGS", &[(V10, V10, NICIRA, 3, 258), (V11, V11, NICIRA, 5, 258), (V12, V15, 0, 5, 7)]),
    ("OFPFMFC_BAD_PRIORITY", &[(V13, V13, ONF, 2360, 0), (V14, V15, 0, 5, 9)]),
    ("OFPFMFC_BAD_TABLE_ID", &[(V11, V15, 0, 5, 2)]),
    ("OFPFMFC_BAD_TIMEOUT", &[(V11, V15, 0, 5, 5)]),
    ("OFPFMFC_CANT_SYNC", &[(V14, V15, 0, 5, 8)]),
    ("OFPFMFC_EPERM", &[(V10, V10, 0, 3, 2), (V11, V15, 0, 5, 4)]),
    ("OFPFMFC_IS_SYNC", &[(V14, V15, 0, 5, 10)]),
    ("OFPFMFC_OVERLAP", &[(V10, V10, 0, 3, 1), (V11, V15, 0, 5, 3)]),
    ("OFPFMFC_TABLE_FULL", &[(V10, V10, 0, 3, 0), (V11, V15, 0, 5, 1)]),
    ("OFPFMFC_UNKNOWN", &[(V11, V15, 0, 5, 0)]),
    ("OFPFMFC_UNSUPPORTED", &[(V10, V10, 0, 3, 5)]),
    ("OFPGMFC_BAD_BUCKET", &[(V10, V10, NICIRA, 6, 12), (V12, V15, 0, 6, 12)]),
    ("OFPGMFC_BAD_COMMAND", &[(V10, V10, NICIRA, 6, 11), (V12, V15, 0, 6, 11)]),
    ("OFPGMFC_BAD_TYPE", &[(V10, V10, NICIRA, 6, 10), (V12, V15, 0, 6, 10)]),
    ("OFPGMFC_BAD_WATCH", &[(V10, V10, NICIRA, 6, 13), (V12, V15, 0, 6, 13)]),
    ("OFPGMFC_BUCKET_EXISTS", &[(V10, V10, NICIRA, 6, 16), (V15, V15, 0, 6, 16)]),
    ("OFPGMFC_CHAINED_GROUP", &[(V10, V10, NICIRA, 6, 9), (V12, V15, 0, 6, 9)]),
    ("OFPGMFC_CHAINING_UNSUPPORTED", &[(V10, V10, NICIRA, 6, 5), (V11, V15, 0, 6, 5)]),
    ("OFPGMFC_EPERM", &[(V10, V10, NICIRA, 6, 14), (V12, V15, 0, 6, 14)]),
    ("OFPGMFC_GROUP_EXISTS", &[(V10, V10, NICIRA, 6, 0), (V11, V15, 0, 6, 0)]),
    ("OFPGMFC_INVALID_GROUP", &[(V10, V10, NICIRA, 6, 1), (V11, V15, 0, 6, 1)]),
    ("OFPGMFC_LOOP", &[(V10, V10, NICIRA, 6, 7), (V11, V15, 0, 6, 7)]),
    ("OFPGMFC_OUT_OF_BUCKETS", &[(V10, V10, NICIRA, 6, 4), (V11, V15, 0, 6, 4)]),
    ("OFPGMFC_OUT_OF_GROUPS", &[(V10, V10, NICIRA, 6, 3), (V11, V15, 0, 6, 3)]),
    ("OFPGMFC_UNKNOWN_BUCKET", &[(V10, V10, NICIRA, 6, 15), (V15, V15, 0, 6, 15)]),
    ("OFPGMFC_UNKNOWN_GROUP", &[(V10, V10, NICIRA, 6, 8), (V11, V15, 0, 6, 8)]),
    ("OFPGMFC_WATCH_UNSUPPORTED", &[(V10, V10, NICIRA, 6, 6), (V11, V15, 0, 6, 6)]),
    ("OFPGMFC_WEIGHT_UNSUPPORTED", &[(V10, V10, NICIRA, 6, 2), (V11, V15, 0, 6, 2)]),
    ("OFPHFC_EPERM", &[(V10, V15, 0, 0, 1)]),
    ("OFPHFC_INCOMPATIBLE", &[(V10, V15, 0, 0, 0)]),
    ("OFPMMFC_BAD_BAND", &[(V13, V15, 0, 12, 8)]),
    ("OFPMMFC_BAD_BAND_VALUE", &[(V13, V15, 0, 12, 9)]),
    ("OFPMMFC_BAD_BURST", &[(V13, V15, 0, 12, 7)]),
    ("OFPMMFC_BAD_COMMAND", &[(V13, V15, 0, 12, 4)]),
    ("OFPMMFC_BAD_FLAGS", &[(V13, V15, 0, 12, 5)]),
    ("OFPMMFC_BAD_RATE", &[(V13, V15, 0, 12, 6)]),
    ("OFPMMFC_INVALID_METER", &[(V13, V15, 0, 12, 2)]),
    ("OFPMMFC_METER_EXISTS", &[(V13, V15, 0, 12, 1)]),
    ("OFPMMFC_OUT_OF_BANDS", &[(V13, V15, 0, 12, 11)]),
    ("OFPMMFC_OUT_OF_METERS", &[(V13, V15, 0, 12, 10)]),
    ("OFPMMFC_UNKNOWN", &[(V13, V15, 0, 12, 0)]),
    ("OFPMMFC_UNKNOWN_METER", &[(V13, V15, 0, 12, 3)]),
    ("OFPMOFC_BAD_COMMAND", &[(V14, V15, 0, 16, 4)]),
    ("OFPMOFC_BAD_FLAGS", &[(V10, V11, NICIRA, 1, 518), (V12, V13, NICIRA, 7, 0), (V14, V15, 0, 16, 5)]),
    ("OFPMOFC_BAD_OUT", &[(V14, V15, 0, 16, 7)]),
    ("OFPMOFC_BAD_TABLE_ID", &[(V14, V15, 0, 16, 6)]),
    ("OFPMOFC_INVALID_MONITOR", &[(V14, V15, 0, 16, 2)]),
    ("OFPMOFC_MONITOR_EXISTS", &[(V10, V11, NICIRA, 1, 517), (V12, V13, NICIRA, 6, 0), (V14, V15, 0, 16, 1)]),
    ("OFPMOFC_UNKNOWN", &[(V14, V15, 0, 16, 0)]),
    ("OFPMOFC_UNKNOWN_MONITOR", &[(V10, V11, NICIRA, 1, 519), (V12, V13, NICIRA, 8, 0), (V14, V15, 0, 16, 3)]),
    ("OFPPMFC_BAD_ADVERTISE", &[(V11, V15, 0, 7, 3)]),
    ("OFPPMFC_BAD_CONFIG", &[(V11, V15, 0, 7, 2)]),
    ("OFPPMFC_BAD_HW_ADDR", &[(V10, V10, 0, 4, 1), (V11, V15, 0, 7, 1)]),
    ("OFPPMFC_BAD_PORT", &[(V10, V10, 0, 4, 0), (V11, V15, 0, 7, 0)]),
    ("OFPPMFC_EPERM", &[(V12, V15, 0, 7, 4)]),
    ("OFPQOFC_BAD_PORT", &[(V10, V10, 0, 5, 0), (V11, V15, 0, 9, 0)]),
    ("OFPQOFC_BAD_QUEUE", &[(V10, V10, 0, 5, 1), (V11, V15, 0, 9, 1)]),
    ("OFPQOFC_EPERM", &[(V10, V10, 0, 5, 2), (V11, V15, 0, 9, 2)]),
    ("OFPRRFC_BAD_ROLE", &[(V10, V11, NICIRA, 1, 513), (V12, V15, 0, 11, 2)]),
    ("OFPRRFC_ID_IN_USE", &[(V15, V15, 0, 11, 4)]),
    ("OFPRRFC_ID_UNSUP", &[(V15, V15, 0, 11, 3)]),
    ("OFPRRFC_STALE", &[(V12, V15, 0, 11, 0)]),
    ("OFPRRFC_UNSUP", &[(V12, V15, 0, 11, 1)]),
    ("OFPSCFC_BAD_FLAGS", &[(V11, V15, 0, 10, 0)]),
    ("OFPSCFC_BAD_LEN", &[(V11, V15, 0, 10, 1)]),
    ("OFPSCFC_EPERM", &[(V12, V15, 0, 10, 2)]),
    ("OFPTFFC_BAD_CAPA", &[(V15, V15, 0, 13, 6)]),
    ("OFPTFFC_BAD_COMMAND", &[(V15, V15, 0, 13, 9)]),
    ("OFPTFFC_BAD_FEATURES", &[(V15, V15, 0, 13, 8)]),
    ("OFPTFFC_BAD_MAX_ENT", &[(V15, V15, 0, 13, 7)]),
    ("OFPTFFC_BAD_METADATA", &[(V13, V15, 0, 13, 1)]),
    ("OFPTFFC_BAD_TABLE", &[(V13, V15, 0, 13, 0)]),
    ("OFPTFFC_EPERM", &[(V13, V15, 0, 13, 5)]),
    ("OFPTFFC_TOO_MANY", &[(V15, V15, 0, 13, 10)]),
    ("OFPTMFC_BAD_CONFIG", &[(V11, V15, 0, 8, 1)]),
    ("OFPTMFC_BAD_TABLE", &[(V11, V15, 0, 8, 0)]),
    ("OFPTMFC_EPERM", &[(V12, V15, 0, 8, 2)]),
];

/// Type and code of an error of OpenFlow's own.
pub(super) fn numbers(error: OfpError, version: Version) -> Option<(u16, u16)> {
    meaning(error.name(), version)
        .filter(|m| m.0 == 0)
        .map(|(_, kind, code)| (kind, code))
}

/// Vendor, type and code of an error.
pub(super) fn meaning(name: &str, version: Version) -> Option<(u32, u16, u16)> {
    let (_, meanings) = TABLE.iter().find(|(n, _)| *n == name)?;
    let found = meanings
        .iter()
        .find(|(from, to, ..)| (*from..=*to).contains(&version))?;
    Some((found.2, found.3, found.4))
}

/// The name of the error that a message of this version tells.
pub(super) fn find(message: &ErrorMessage, version: Version) -> Option<OfpError> {
    let wanted = match (message.experimenter, message.nicira) {
        (Some(vendor), Some((kind, code))) => (vendor, kind, code),
        (Some(vendor), None) => (vendor, message.code, 0),
        _ => (0, message.kind, message.code),
    };
    let says = |meaning: &Meaning| {
        (meaning.0..=meaning.1).contains(&version) && (meaning.2, meaning.3, meaning.4) == wanted
    };
    TABLE
        .iter()
        .find(|(_, meanings)| meanings.iter().any(says))
        .map(|(name, _)| OfpError(name))
}

/// The error of this name.
pub(super) fn named(name: &str) -> Option<OfpError> {
    TABLE
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(name, _)| OfpError(name))
}
