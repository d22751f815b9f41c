//! Clouds and what runs in them.

use super::{
    super::shape::{
        Alphabet::{AnyHex, Base32, Base62, Base64, Base64Url, Digits, Dotted, Hex, Lower, Upper},
        Part::{OneOf, Padding, Run, Text},
    },
    Provider, rule, token,
};

pub(super) const ALL: &[Provider] = &[
    token(
        rule("secret/aws-access-key", "AWS access key id", &["aws-access-token"]),
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        &[&[OneOf(&["AKIA", "ASIA", "ABIA", "ACCA"]), Run(Base32, 16, 16)]],
    ),
    token(
        rule("secret/aws-bedrock-key", "Amazon Bedrock API key", &["aws-amazon-bedrock-api-key-long-lived"]),
        &["ABSK", "bedrock-api-key-"],
        &[
            &[Text("ABSK"), Run(Base64, 109, 269), Padding(b'=', 2)],
            &[Text("bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t"), Run(Base64, 20, 4096), Padding(b'=', 2)],
        ],
    ),
    token(
        rule("secret/google-api-key", "Google API key", &["gcp-api-key"]),
        &["AIza"],
        &[&[Text("AIza"), Run(Base64Url, 35, 35)]],
    ),
    token(
        rule("secret/google-oauth-secret", "Google OAuth client secret", &[]),
        &["GOCSPX-"],
        &[&[Text("GOCSPX-"), Run(Base64Url, 28, 28)]],
    ),
    token(
        rule("secret/azure-client-secret", "Azure client secret", &["azure-ad-client-secret"]),
        &["Q~"],
        &[&[Run(Dotted, 3, 3), Run(Digits, 1, 1), Text("Q~"), Run(Dotted, 31, 34)]],
    )
    .behind(&[4]),
    token(
        rule("secret/azure-storage-key", "Azure storage account key", &[]),
        &["AccountKey="],
        &[&[Text("AccountKey="), Run(Base64, 86, 86), Text("==")]],
    ),
    token(
        rule("secret/azure-devops-token", "Azure DevOps token", &[]),
        &["AZDO"],
        &[&[Run(Base62, 76, 76), Text("AZDO"), Run(Base62, 4, 4)]],
    )
    .behind(&[76]),
    token(
        rule("secret/alibaba-key", "Alibaba access key id", &["alibaba-access-key-id"]),
        &["LTAI"],
        &[&[Text("LTAI"), Run(Base62, 20, 20)]],
    ),
    token(
        rule("secret/digitalocean-token", "DigitalOcean token", &["digitalocean-pat"]),
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        &[&[OneOf(&["dop_v1_", "doo_v1_", "dor_v1_"]), Run(Hex, 64, 64)]],
    ),
    token(
        rule("secret/cloudflare-origin-key", "Cloudflare origin CA key", &["cloudflare-origin-ca-key"]),
        &["v1.0-"],
        &[&[Text("v1.0-"), Run(Hex, 24, 24), Text("-"), Run(Hex, 146, 146)]],
    ),
    token(
        rule("secret/databricks-token", "Databricks token", &["databricks-api-token"]),
        &["dapi"],
        &[&[Text("dapi"), Run(Hex, 32, 32), Text("-"), Run(Digits, 1, 1)], &[Text("dapi"), Run(Hex, 32, 32)]],
    ),
    token(
        rule("secret/doppler-token", "Doppler token", &["doppler-api-token"]),
        &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
        &[
            &[OneOf(&["dp.pt.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."]), Run(Base62, 40, 44)],
            &[Text("dp.st."), Run(Base64Url, 2, 35), Text("."), Run(Base62, 40, 44)],
        ],
    ),
    token(
        rule("secret/fly-token", "Fly.io access token", &["flyio-access-token"]),
        &["fo1_", "fm1a_", "fm1r_", "fm2_"],
        &[
            &[Text("fo1_"), Run(Base64Url, 43, 43)],
            &[OneOf(&["fm1a_", "fm1r_", "fm2_"]), Run(Base64, 100, 4096), Padding(b'=', 3)],
        ],
    ),
    token(
        rule("secret/terraform-token", "HCP Terraform token", &["hashicorp-tf-api-token"]),
        &[".atlasv1."],
        &[&[Run(Base62, 14, 14), Text(".atlasv1."), Run(Dotted, 60, 70)]],
    )
    .behind(&[14]),
    token(
        rule("secret/vault-token", "Vault token", &["vault-service-token", "vault-batch-token"]),
        &["hvs.", "hvb."],
        &[&[Text("hvs."), Run(Base64Url, 90, 120)], &[Text("hvb."), Run(Base64Url, 138, 300)]],
    ),
    token(
        rule("secret/heroku-key", "Heroku API key", &["heroku-api-key-v2"]),
        &["HRKU-AA"],
        &[&[Text("HRKU-AA"), Run(Base64Url, 58, 58)]],
    ),
    token(
        rule("secret/openshift-token", "OpenShift token", &["openshift-user-token"]),
        &["sha256~"],
        &[&[Text("sha256~"), Run(Base64Url, 43, 43)]],
    ),
    token(
        rule("secret/planetscale-token", "PlanetScale token", &["planetscale-api-token"]),
        &["pscale_pw_", "pscale_tkn_", "pscale_oauth_"],
        &[&[OneOf(&["pscale_pw_", "pscale_tkn_", "pscale_oauth_"]), Run(Dotted, 32, 64)]],
    ),
    token(
        rule("secret/pulumi-token", "Pulumi access token", &["pulumi-api-token"]),
        &["pul-"],
        &[&[Text("pul-"), Run(Hex, 40, 40)]],
    ),
    token(
        rule("secret/scalingo-token", "Scalingo token", &["scalingo-api-token"]),
        &["tk-us-"],
        &[&[Text("tk-us-"), Run(Base64Url, 48, 48)]],
    ),
    token(
        rule("secret/clickhouse-key", "ClickHouse Cloud key", &["clickhouse-cloud-api-secret-key"]),
        &["4b1d"],
        &[&[Text("4b1d"), Run(Base62, 38, 38)]],
    )
    .weak(),
    token(
        rule("secret/dynatrace-token", "Dynatrace token", &["dynatrace-api-token"]),
        &["dt0c01."],
        &[&[Text("dt0c01."), Run(Base62, 24, 24), Text("."), Run(Base62, 64, 64)]],
    ),
    token(
        rule("secret/grafana-token", "Grafana token", &["grafana-cloud-api-token"]),
        &["glc_", "glsa_", "eyJrIjoi"],
        &[
            &[Text("glsa_"), Run(Base62, 32, 32), Text("_"), Run(AnyHex, 8, 8)],
            &[Text("glc_"), Run(Base64, 32, 400), Padding(b'=', 3)],
            &[Text("eyJrIjoi"), Run(Base62, 70, 400), Padding(b'=', 3)],
        ],
    ),
    token(
        rule("secret/infracost-token", "Infracost token", &["infracost-api-token"]),
        &["ico-"],
        &[&[Text("ico-"), Run(Base62, 32, 32)]],
    ),
    token(
        rule("secret/prefect-token", "Prefect token", &["prefect-api-token"]),
        &["pnu_"],
        &[&[Text("pnu_"), Run(Base62, 36, 36)]],
    ),
    token(
        rule("secret/1password-key", "1Password secret key", &["1password-secret-key"]),
        &["A3-"],
        &[
            &[
                Text("A3-"),
                Run(Upper, 6, 6),
                Text("-"),
                Run(Upper, 11, 11),
                Text("-"),
                Run(Upper, 5, 5),
                Text("-"),
                Run(Upper, 5, 5),
                Text("-"),
                Run(Upper, 5, 5),
            ],
            &[
                Text("A3-"),
                Run(Upper, 6, 6),
                Text("-"),
                Run(Upper, 6, 6),
                Text("-"),
                Run(Upper, 5, 5),
                Text("-"),
                Run(Upper, 5, 5),
                Text("-"),
                Run(Upper, 5, 5),
                Text("-"),
                Run(Upper, 5, 5),
            ],
        ],
    ),
    token(
        rule(
            "secret/1password-token",
            "1Password service account token",
            &["1password-service-account-token"],
        ),
        &["ops_eyJ"],
        &[&[Text("ops_eyJ"), Run(Base64, 250, 4096), Padding(b'=', 3)]],
    ),
    token(
        rule("secret/age-key", "age secret key", &["age-secret-key"]),
        &["AGE-SECRET-KEY-1"],
        &[&[Text("AGE-SECRET-KEY-1"), Run(Upper, 58, 58)]],
    ),
    token(
        rule("secret/adobe-secret", "Adobe client secret", &["adobe-client-secret"]),
        &["p8e-"],
        &[&[Text("p8e-"), Run(Base62, 32, 32)]],
    ),
    token(
        rule("secret/launchdarkly-key", "LaunchDarkly key", &[]),
        &["sdk-", "api-"],
        &[&[
            OneOf(&["sdk-", "api-"]),
            Run(Hex, 8, 8),
            Text("-"),
            Run(Hex, 4, 4),
            Text("-"),
            Run(Hex, 4, 4),
            Text("-"),
            Run(Hex, 4, 4),
            Text("-"),
            Run(Hex, 12, 12),
        ]],
    )
    .weak(),
    token(
        rule("secret/authress-key", "Authress service key", &["authress-service-client-access-key"]),
        &["sc_", "ext_", "scauth_", "authress_"],
        &[&[
            OneOf(&["scauth_", "authress_", "sc_", "ext_"]),
            Run(Lower, 5, 30),
            Text("."),
            Run(Lower, 4, 6),
            Text("."),
            OneOf(&["acc_", "acc-"]),
            Run(Base64Url, 10, 32),
            Text("."),
            Run(Dotted, 30, 120),
        ]],
    ),
];
