//! Secrets that everybody knows: vendors' documentation and standards print them as examples.

use shield_types::Sha256Digest;

/// The first eight bytes of the SHA-256 of each, sorted; of tokens also without their prefix. The secrets themselves are not
/// written out: every scanner would report this file.
const PUBLISHED: [u64; 54] = [
    0x0011_cc25_eb43_2071,
    0x00d8_0426_e5f9_a1e0,
    0x0243_0553_aacd_4244,
    0x03b9_70ed_8171_d73b,
    0x051d_093c_4bde_dbf2,
    0x0671_4ae7_1d8e_2c1c,
    0x0770_3eb4_0e2f_1d68,
    0x0883_1f80_b564_14a9,
    0x0b47_6bdf_9acf_2123,
    0x0c47_dd30_c7da_14ce,
    0x13d3_1e96_1a1a_d8ec,
    0x153a_1825_8645_1358,
    0x15ce_f4b6_29cc_2d07,
    0x1a3f_9585_e009_bd49,
    0x2037_abca_ffb2_b777,
    0x27a9_a429_31df_f7eb,
    0x2caf_c097_0149_a84f,
    0x2dd7_45ff_9912_76ae,
    0x2f21_fd9c_8167_8e39,
    0x3361_33f6_82fe_aa0e,
    0x37f8_f09b_df12_c2f2,
    0x3a8b_61d0_f636_b007,
    0x3f37_0c9d_d822_5c63,
    0x49f7_77db_995e_8260,
    0x4c98_242d_cadc_8b29,
    0x549c_9390_539e_fcfa,
    0x5664_72f4_df93_4614,
    0x64db_43ad_5a6c_69f5,
    0x6530_c104_f485_b41e,
    0x74e1_1884_b07b_1d51,
    0x7e8d_e44e_a9ec_f6d5,
    0x8731_261c_b72d_8626,
    0x8733_fe09_5912_7882,
    0x96ad_2ccd_8146_2a76,
    0x97aa_6b16_caac_89e3,
    0x991f_7455_fc2a_95cb,
    0xa070_2bc9_1d69_9f60,
    0xa19f_89ab_3555_eac1,
    0xa6c8_14bc_555a_e62c,
    0xc1c4_5784_935e_da01,
    0xcf34_1b9c_95e8_4cb7,
    0xd772_992f_c6f8_5500,
    0xdba7_2c00_f41f_4e4c,
    0xdc0f_cf04_6c61_640c,
    0xe4a5_542b_b7fd_7b67,
    0xe4ce_6086_34a7_f4d0,
    0xe979_ef1b_a07d_da84,
    0xea9b_b108_2cf9_5663,
    0xeaa5_581c_2e8d_2f44,
    0xeb54_0d2b_6ee2_a0a4,
    0xf127_6545_83e7_e2d1,
    0xf2d6_ca16_5150_33e5,
    0xf56e_3234_94a6_ffc2,
    0xf5e9_5c99_5463_5b65,
];

/// Whether it is an example that a vendor or a standard printed.
pub(in crate::secrets) fn published(value: &[u8]) -> bool {
    let digest = Sha256Digest::of(value);
    let first = digest.as_bytes().first_chunk().expect("32 bytes begin with eight");
    PUBLISHED.binary_search(&u64::from_be_bytes(*first)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_can_be_searched() {
        assert!(PUBLISHED.is_sorted());
        assert!(published(&[b"6fe4476ee5a18328".as_slice(), b"82e326b506d14126"].concat()));
        assert!(!published(b"6fe4476ee5a1832882e326b506d14127"));
    }
}
