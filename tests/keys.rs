//! Keys: which stored results count as made by the same settings. A key that changes makes every user's store stale, or asks and
//! pays again; one that does not change where it should keeps results of other settings.

use corpora::engine::StageKeys;
use corpora::pipelines::find;
use corpora::stages::chunk::ChunkSettings;
use corpora::stages::extract::{PassageSettings, TermSettings, Wanted};
use corpora::stages::model_settings::{Effort, ModelSettings};
use corpora::stages::parse::{OcrMode, OcrSettings};
use corpora::stages::pipeline::{AccountLimits, Method, Pipeline, ProviderChoice, Shape, SmallForm};
use corpora::stages::write::Blocklist;
use corpora::values::{Fingerprint, Stage};
use serde_json::Value;

fn builtin_blocklist() -> Blocklist {
    Blocklist::parse(include_str!("../blocklists/franchises.json")).unwrap()
}

fn without_ocr() -> OcrSettings {
    OcrSettings { mode: OcrMode::Off, ..OcrSettings::default() }
}

/// A pipeline asked of a provider on this machine.
fn rehearsed(name: &str) -> Pipeline {
    asked_of_a_provider(find(name).unwrap())
}

/// The form that a built-in pipeline had in revision 484df70.
fn first_form(name: &str) -> Pipeline {
    let pipeline = find(&format!("{}/pipelines/earlier/{name}-1.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let earlier = &find(name).unwrap().earlier[0];
    assert_eq!((&earlier.prompt, &earlier.schema), (&pipeline.prompt, &pipeline.schema));
    pipeline
}

fn asked_of_a_provider(mut pipeline: Pipeline) -> Pipeline {
    pipeline.provider.name = "anthropic".into();
    pipeline.provider.model = Some("claude-haiku-4-5".into());
    pipeline.provider.origin = Some("http://127.0.0.1:18471".into());
    pipeline.provider.api_version = Some("2026-10-21".into());
    pipeline
}

fn keys(pipeline: &Pipeline, ocr: &OcrSettings) -> Vec<(&'static str, String)> {
    let keys = StageKeys::of(pipeline, ocr, Some(&builtin_blocklist()));
    let stages = keys.stages.iter().map(|(stage, key)| (stage.name(), key.hex()));
    std::iter::once(("question", keys.question.hex())).chain(stages).collect()
}

/// Keys as the stores of revision 484df70 hold them, but for those marked: of these the change is in the changelog.
#[test]
fn keys_of_fixed_settings_are_frozen() {
    let frozen = include_str!("golden/keys.txt");
    let mut now = String::new();
    for (name, pipeline, ocr) in [
        ("vocabulary, embedded, without recognition", find("vocabulary").unwrap(), without_ocr()),
        ("glossary, embedded, without recognition", find("glossary").unwrap(), without_ocr()),
        ("glossary, rehearsed, without recognition", rehearsed("glossary"), without_ocr()),
        ("vocabulary, rehearsed, without recognition", rehearsed("vocabulary"), without_ocr()),
        ("vocabulary, embedded, first form", first_form("vocabulary"), without_ocr()),
        ("glossary, embedded, first form", first_form("glossary"), without_ocr()),
        ("glossary, rehearsed, first form", asked_of_a_provider(first_form("glossary")), without_ocr()),
        ("vocabulary, rehearsed, first form", asked_of_a_provider(first_form("vocabulary")), without_ocr()),
    ] {
        for (what, key) in keys(&pipeline, &ocr) {
            now.push_str(&format!("{name}: {what} {key}\n"));
        }
    }
    let strip = |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        strip(&now),
        strip(frozen),
        "a key changed: every store of every user would redo work, or pay again. If that is meant, say so in the changelog and freeze:\n{now}"
    );
}

fn change_of(pipeline: &Pipeline, change: &dyn Fn(&mut Pipeline)) -> Pipeline {
    let mut changed = pipeline.clone();
    change(&mut changed);
    changed
}

/// What a change of one setting makes stale.
#[derive(Debug, PartialEq)]
enum Stale {
    Nothing,
    From(Stage),
    /// From `extract` on, and answers are asked for again.
    Questions,
}

fn stale(before: &StageKeys, after: &StageKeys) -> Stale {
    let first = Stage::ALL.into_iter().find(|stage| before.stages[*stage] != after.stages[*stage]);
    for stage in Stage::ALL {
        let differs = before.stages[stage] != after.stages[stage];
        assert_eq!(differs, first.is_some_and(|first| stage >= first), "what follows from a stale stage is stale");
    }
    match (before.question == after.question, first) {
        (true, None) => Stale::Nothing,
        (true, Some(stage)) => Stale::From(stage),
        (false, Some(Stage::Extract)) => Stale::Questions,
        (false, other) => panic!("another question makes extract stale, and nothing before it: {other:?}"),
    }
}

/// The table "What makes what stale" of ARCHITECTURE.md: each setting changed alone. Everything is taken apart to its last field, so that
/// a new setting does not compile before it has a line here.
#[test]
fn each_setting_makes_stale_what_depends_on_it_and_nothing_else() {
    for pipeline in
        [find("vocabulary").unwrap(), find("glossary").unwrap(), rehearsed("vocabulary"), rehearsed("glossary")]
    {
        let remote = pipeline.provider.origin.is_some();
        let ocr = OcrSettings::default();
        let before = StageKeys::of(&pipeline, &ocr, None);
        let with = |change: &dyn Fn(&mut Pipeline)| {
            let mut changed = pipeline.clone();
            change(&mut changed);
            assert_ne!(changed, pipeline, "a change that changes nothing shows nothing");
            stale(&before, &StageKeys::of(&changed, &ocr, None))
        };
        let Pipeline {
            name: _,
            description: _,
            chunk,
            method,
            prompt: _,
            schema: _,
            shape: _,
            values: _,
            language: _,
            examples: _,
            earlier: _,
            small: _,
            provider,
        } = &pipeline;
        assert_eq!(with(&|p| p.name.push('x')), Stale::From(Stage::Write));
        assert_eq!(with(&|p| p.description.push('x')), Stale::Nothing);
        assert_eq!(with(&|p| p.prompt.push('x')), Stale::Questions);
        assert_eq!(with(&|p| p.schema["title"] = "another".into()), Stale::Questions);
        let reordered = |p: &mut Pipeline| {
            p.schema = Value::Object(p.schema.as_object().unwrap().clone().into_iter().rev().collect());
        };
        let order = stale(
            &before,
            &StageKeys::of(&Pipeline { description: String::new(), ..change_of(&pipeline, &reordered) }, &ocr, None),
        );
        assert_eq!(order, Stale::Nothing, "the order of fields is what a model is sent, and orphans no answer");
        assert_eq!(with(&|p| p.shape = Shape::Answer), Stale::Questions);
        assert_eq!(with(&|p| drop(p.values.insert("x".into(), vec![("y".into(), "z".into())]))), Stale::Questions);
        assert_eq!(with(&|p| p.language = Some("German".into())), Stale::Questions);
        assert_eq!(with(&|p| drop(p.examples.pop())), Stale::Questions);
        assert_eq!(with(&|p| drop(p.earlier.pop())), Stale::Nothing);
        assert_eq!(
            with(&|p| p.small = Some(SmallForm {
                fields: Vec::new(),
                examples: Vec::new(),
                terms_per_request: Some(77),
                max_items: None
            })),
            Stale::Nothing
        );

        let ChunkSettings { max_tokens: _, overlap_tokens: _ } = chunk;
        assert_eq!(with(&|p| p.chunk.max_tokens += 1), Stale::From(Stage::Chunk));
        assert_eq!(with(&|p| p.chunk.overlap_tokens += 1), Stale::From(Stage::Chunk));

        let ProviderChoice {
            name: _,
            model: _,
            origin: _,
            api_version: _,
            max_output_tokens: _,
            terms_per_request: _,
            limits: _,
            settings,
        } = provider;
        assert_eq!(with(&|p| p.provider.name.push('x')), Stale::Questions);
        assert_eq!(with(&|p| p.provider.model = Some("another".into())), Stale::Questions);
        assert_eq!(with(&|p| p.provider.origin = Some("https://elsewhere".into())), Stale::Questions);
        let of_version = if remote { Stale::Questions } else { Stale::Nothing };
        assert_eq!(with(&|p| p.provider.api_version = Some("another".into())), of_version);
        assert_eq!(with(&|p| p.provider.max_output_tokens += 1), Stale::Nothing);
        assert_eq!(with(&|p| p.provider.terms_per_request += 1), Stale::Nothing);
        assert_eq!(with(&|p| p.provider.limits = AccountLimits { rpm: Some(77), ..p.provider.limits }), Stale::Nothing);

        // How a model answers is part of what it was asked, as far as somebody has said it; the embedded provider has no model.
        let ModelSettings { effort: _, temperature: _, seed: _, stop: _, extra_body: _ } = settings;
        let of_settings = || if remote { Stale::Questions } else { Stale::Nothing };
        assert_eq!(with(&|p| p.provider.settings.effort = Some(Effort::Low)), of_settings());
        assert_eq!(with(&|p| p.provider.settings.temperature = Some(0.0)), of_settings());
        assert_eq!(with(&|p| p.provider.settings.seed = Some(0)), of_settings());
        assert_eq!(with(&|p| p.provider.settings.stop = vec!["END".into()]), of_settings());
        assert_eq!(with(&|p| _ = p.provider.settings.extra_body.insert("top_k".into(), 1.into())), of_settings());

        let of_extract = Stale::From(Stage::Extract);
        match method {
            Method::Terms(TermSettings {
                per_thousand_words: _,
                minimum: _,
                maximum: _,
                sure_from: _,
                max_words: _,
                max_occurrences: _,
                wanted: _,
            }) => {
                let with_terms = |change: &dyn Fn(&mut TermSettings)| {
                    with(&|p| {
                        if let Method::Terms(settings) = &mut p.method {
                            change(settings);
                        }
                    })
                };
                assert_eq!(with_terms(&|t| t.per_thousand_words += 0.5), of_extract);
                assert_eq!(with_terms(&|t| t.minimum += 1), of_extract);
                assert_eq!(with_terms(&|t| t.maximum += 1), of_extract);
                assert_eq!(with_terms(&|t| t.sure_from = Some(0.75)), of_extract);
                assert_eq!(with_terms(&|t| t.max_words += 1), of_extract);
                assert_eq!(with_terms(&|t| t.max_occurrences += 1), of_extract);
                assert_eq!(with_terms(&|t| t.wanted = Wanted::Names), of_extract);
            }
            Method::Passages(PassageSettings { max_items: _, term_field: _, evidence_field: _ }) => {
                let with_passages = |change: &dyn Fn(&mut PassageSettings)| {
                    with(&|p| {
                        if let Method::Passages(settings) = &mut p.method {
                            change(settings);
                        }
                    })
                };
                assert_eq!(with_passages(&|p| p.max_items += 1), of_extract);
                // The embedded provider names no fields.
                let of_fields = || if remote { Stale::From(Stage::Extract) } else { Stale::Nothing };
                assert_eq!(with_passages(&|p| p.term_field.push('x')), of_fields());
                assert_eq!(with_passages(&|p| p.evidence_field = Some("another".into())), of_fields());
            }
        }

        let OcrSettings { mode: _, languages: _, program: _, under: _, needs: _, page_time: _, at_once: _ } = &ocr;
        let recognised = |change: &dyn Fn(&mut OcrSettings)| {
            let mut changed = ocr.clone();
            change(&mut changed);
            assert_ne!(changed, ocr);
            stale(&before, &StageKeys::of(&pipeline, &changed, None))
        };
        assert_eq!(recognised(&|o| o.mode = OcrMode::Force), Stale::From(Stage::Parse));
        assert_eq!(recognised(&|o| o.mode = OcrMode::Off), Stale::From(Stage::Parse));
        assert_eq!(recognised(&|o| o.languages.push_str("+deu")), Stale::From(Stage::Parse));
        assert_eq!(recognised(&|o| o.program = Some("elsewhere/tesseract".into())), Stale::Nothing);
        assert_eq!(recognised(&|o| o.page_time *= 2), Stale::Nothing);
        assert_eq!(recognised(&|o| o.at_once += 1), Stale::Nothing);

        let flagged = StageKeys::of(&pipeline, &ocr, Some(&builtin_blocklist()));
        assert_eq!(stale(&before, &flagged), Stale::From(Stage::Write));
    }
}

/// Languages decide nothing where nothing is recognised.
#[test]
fn languages_of_a_recognition_that_is_off_make_nothing_stale() {
    let pipeline = find("vocabulary").unwrap();
    let german = OcrSettings { languages: "deu".into(), ..without_ocr() };
    assert_eq!(StageKeys::of(&pipeline, &german, None), StageKeys::of(&pipeline, &without_ocr(), None));
}

/// Keys of different stages never meet, even with the same settings before them.
#[test]
fn no_two_stages_share_a_key() {
    let keys = StageKeys::of(&find("vocabulary").unwrap(), &OcrSettings::default(), None);
    let mut all: Vec<Fingerprint> = keys.stages.iter().map(|(_, key)| *key).chain([keys.question]).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), Stage::ALL.len() + 1);
}
