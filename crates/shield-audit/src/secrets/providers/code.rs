//! Where code and packages are kept.

use super::{
    super::shape::{
        Alphabet::{AnyHex, Base62, Base64Url, Digits, Dotted, Hex, Lower, Upper},
        Part::{OneOf, Run, Text},
    },
    Provider, rule, token,
};

pub(super) const ALL: &[Provider] = &[
    token(
        rule("secret/github-token", "GitHub token", &["github-pat", "github-oauth", "github-app-token"]),
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        &[&[OneOf(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]), Run(Base62, 36, 36)]],
    )
    .summed(4),
    token(
        rule("secret/github-fine-grained-token", "fine-grained GitHub token", &["github-fine-grained-pat"]),
        &["github_pat_"],
        &[&[Text("github_pat_"), Run(Base62, 22, 22), Text("_"), Run(Base62, 59, 59)]],
    ),
    token(
        rule("secret/gitlab-token", "GitLab token", &["gitlab-pat", "gitlab-deploy-token", "gitlab-rrt"]),
        &[
            "glpat-", "gldt-", "glffct-", "glft-", "glimt-", "glagent-", "gloas-", "glptt-", "glrt-",
            "glsoat-", "glcbt-",
        ],
        &[
            &[OneOf(&["glpat-", "glrt-"]), Run(Base64Url, 27, 300), Text("."), Run(Lower, 9, 9)],
            &[OneOf(&["glpat-", "gldt-", "glffct-", "glft-", "glrt-", "glsoat-"]), Run(Base64Url, 20, 20)],
            &[Text("glcbt-"), Run(AnyHex, 1, 5), Text("_"), Run(Base64Url, 20, 20)],
            &[Text("glimt-"), Run(Base64Url, 25, 25)],
            &[Text("glagent-"), Run(Base64Url, 50, 50)],
            &[Text("gloas-"), Run(Base64Url, 64, 64)],
            &[Text("glptt-"), Run(Hex, 40, 40)],
        ],
    ),
    token(
        rule("secret/gitlab-runner-registration", "GitLab token that registers runners", &["gitlab-rrt"]),
        &["GR1348941"],
        &[&[Text("GR1348941"), Run(Base64Url, 20, 20)]],
    ),
    token(
        rule("secret/gitlab-session", "GitLab session cookie", &["gitlab-session-cookie"]),
        &["_gitlab_session="],
        &[&[Text("_gitlab_session="), Run(Lower, 32, 32)]],
    ),
    token(
        rule("secret/atlassian-token", "Atlassian API token", &["atlassian-api-token"]),
        &["ATATT3"],
        &[&[Text("ATATT3"), Run(Dotted, 186, 186)]],
    ),
    token(
        rule("secret/npm-token", "npm access token", &["npm-access-token"]),
        &["npm_"],
        &[&[Text("npm_"), Run(Base62, 36, 36)]],
    )
    .summed(4),
    token(
        rule("secret/pypi-token", "PyPI upload token", &["pypi-upload-token"]),
        // A macaroon of version 2 whose location is `pypi.org` or `test.pypi.org`, in base64.
        &["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"],
        &[&[OneOf(&["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"]), Run(Base64Url, 50, 1000)]],
    ),
    token(
        rule("secret/rubygems-token", "RubyGems API key", &["rubygems-api-token"]),
        &["rubygems_"],
        &[&[Text("rubygems_"), Run(Hex, 48, 48)]],
    ),
    token(
        rule("secret/crates-io-token", "crates.io token", &[]),
        &["cio"],
        &[&[Text("cio"), Run(Base62, 32, 32)]],
    )
    .weak(),
    token(
        rule("secret/clojars-token", "Clojars deploy token", &["clojars-api-token"]),
        &["CLOJARS_"],
        &[&[OneOf(&["CLOJARS_", "clojars_"]), Run(Base62, 60, 60)]],
    ),
    token(rule("secret/nuget-key", "NuGet API key", &[]), &["oy2"], &[&[Text("oy2"), Run(Lower, 43, 43)]]),
    token(
        rule("secret/artifactory-token", "Artifactory API key", &["artifactory-api-key"]),
        &["AKCp", "cmVmd"],
        &[&[Text("AKCp"), Run(Base62, 69, 69)], &[Text("cmVmd"), Run(Base62, 59, 59)]],
    ),
    token(
        rule("secret/sourcegraph-token", "Sourcegraph access token", &["sourcegraph-access-token"]),
        &["sgp_"],
        &[
            &[Text("sgp_"), Run(AnyHex, 16, 16), Text("_"), Run(AnyHex, 40, 40)],
            &[Text("sgp_local_"), Run(AnyHex, 40, 40)],
            &[Text("sgp_"), Run(AnyHex, 40, 40)],
        ],
    ),
    token(
        rule("secret/harness-token", "Harness API key", &["harness-api-key"]),
        &["pat.", "sat."],
        &[&[
            OneOf(&["pat.", "sat."]),
            Run(Base64Url, 22, 22),
            Text("."),
            Run(Base62, 24, 24),
            Text("."),
            Run(Base62, 20, 20),
        ]],
    ),
    token(
        rule("secret/octopus-key", "Octopus Deploy API key", &["octopus-deploy-api-key"]),
        &["API-"],
        &[&[Text("API-"), Run(Upper, 26, 26)]],
    )
    .weak(),
    token(
        rule("secret/postman-key", "Postman API key", &["postman-api-token"]),
        &["PMAK-"],
        &[&[Text("PMAK-"), Run(AnyHex, 24, 24), Text("-"), Run(AnyHex, 34, 34)]],
    ),
    token(
        rule("secret/readme-key", "ReadMe API key", &["readme-api-token"]),
        &["rdme_"],
        &[&[Text("rdme_"), Run(Lower, 70, 70)]],
    ),
    token(
        rule("secret/hugging-face-token", "Hugging Face token", &["huggingface-access-token"]),
        &["hf_", "api_org_"],
        &[&[OneOf(&["hf_", "api_org_"]), Run(Base62, 34, 34)]],
    ),
    token(
        rule("secret/linkshield-key", "LinkShield API key", &[]),
        &["ls_live_", "ls_test_"],
        &[&[OneOf(&["ls_live_", "ls_test_"]), Run(Base62, 49, 49)]],
    )
    .summed(0),
    token(
        rule("secret/figma-token", "Figma token", &[]),
        &["figd_"],
        &[&[Text("figd_"), Run(Base64Url, 40, 40)]],
    ),
    token(
        rule("secret/docker-token", "Docker Hub token", &[]),
        &["dckr_pat_"],
        &[&[Text("dckr_pat_"), Run(Base64Url, 27, 27)]],
    ),
    token(
        rule("secret/sonar-token", "SonarQube token", &["sonar-api-token"]),
        &["squ_", "sqp_", "sqa_"],
        &[&[OneOf(&["squ_", "sqp_", "sqa_"]), Run(Hex, 40, 40)]],
    ),
    token(
        rule("secret/airtable-token", "Airtable personal token", &["airtable-personnal-access-token"]),
        &["pat"],
        &[&[Text("pat"), Run(Base62, 14, 14), Text("."), Run(Hex, 64, 64)]],
    ),
    token(
        rule("secret/maxmind-key", "MaxMind license key", &["maxmind-license-key"]),
        &["_mmk"],
        &[&[Run(Base62, 6, 6), Text("_"), Run(Base62, 29, 29), Text("_mmk")]],
    )
    .behind(&[36]),
    token(
        rule("secret/telegram-token", "Telegram bot token", &["telegram-bot-api-token"]),
        &[":AA"],
        &[&[Run(Digits, 8, 10), Text(":AA"), Run(Base64Url, 33, 33)]],
    )
    .behind(&[10, 9, 8]),
];
