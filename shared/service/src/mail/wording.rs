//! The catalogue of wording: every letter in every language, side by side, so that one is never changed without the other.

use marque_core::Day;
use marque_core::customer::Language;

use super::dates::in_words;

/// What a letter has to say, with everything that it names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Message<'a> {
    /// Here is the link that makes your trial.
    TrialLink { link: &'a str },
    /// You have had as many trials as there are for one person.
    TrialLimit,
    /// Here is your licence.
    Issued { code: &'a str, trial: bool, through: Option<Day> },
    /// The paid time ends soon.
    Reminder { through: Day },
    /// It has ended, the grace is running.
    Grace { until: Day },
    /// The licence has ended.
    Expired,
    /// It is on another plan.
    PlanChanged { through: Option<Day> },
    /// Support has stopped it.
    Suspended,
    /// Support has ended it.
    Revoked,
    /// Its server is in another domain.
    Moved,
}

/// Whom and what a letter is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) name: &'a str,
    pub(crate) product: &'a str,
    pub(crate) plan: &'a str,
    /// The licence's id; none before there is one.
    pub(crate) license: Option<&'a str>,
    /// Where to ask.
    pub(crate) contact: &'a str,
}

/// A letter in words.
#[derive(Debug)]
pub(crate) struct Wording {
    pub(crate) subject: String,
    pub(crate) parts: Vec<Part>,
}

/// A part of a letter.
#[derive(Debug)]
pub(crate) enum Part {
    /// A paragraph.
    Text(String),
    /// A licence code, by itself.
    Code(String),
    /// A link, with what to press.
    Link { label: String, url: String },
}

/// Words a letter.
pub(crate) fn word(message: Message<'_>, about: About<'_>, language: Language) -> Wording {
    let say = |english: String, spanish: String| match language {
        Language::English => english,
        Language::Spanish => spanish,
    };
    let About { name, product, plan, license, contact } = about;
    let day = |day: Day| in_words(day, language);
    let subject = subject(message, product, language);
    let mut parts = vec![Part::Text(say(format!("Hello {name},"), format!("Hola, {name}:")))];
    let text = |english: String, spanish: String| Part::Text(say(english, spanish));
    match message {
        Message::TrialLink { link } => {
            parts.push(text(
                format!("You asked for a trial of {product}. One more step: open the link and press the button, and you get the code at once."),
                format!("Ha solicitado una prueba de {product}. Falta un paso: abra el enlace y pulse el botón, y recibirá el código al momento."),
            ));
            parts.push(Part::Link {
                label: say("Confirm the trial".to_owned(), "Confirmar la prueba".to_owned()),
                url: link.to_owned(),
            });
            parts.push(text(
                "The link is good for 24 hours. If you did not ask for a trial, leave this mail alone: nothing happens.".to_owned(),
                "El enlace es válido durante 24 horas. Si no ha solicitado ninguna prueba, ignore este mensaje: no ocurrirá nada.".to_owned(),
            ));
        }
        Message::TrialLimit => parts.push(text(
            format!("You asked for a trial of {product}, and have had as many as there are for one person. No further code was made. If you need more time, write to us: a trial can be extended."),
            format!("Ha solicitado una prueba de {product}, pero ya ha tenido todas las que corresponden a una persona. No se ha creado ningún código más. Si necesita más tiempo, escríbanos: una prueba se puede prorrogar."),
        )),
        Message::Issued { code, trial, through } => {
            parts.push(text(
                format!("Here is the code of your licence of {product}, plan {plan}:"),
                format!("Este es el código de su licencia de {product}, plan {plan}:"),
            ));
            parts.push(Part::Code(code.to_owned()));
            parts.push(text(
                "Enter it in the server's setup. Keep it to yourself: whoever has it can use the licence.".to_owned(),
                "Introdúzcalo en la configuración del servidor. No lo comparta: quien lo tenga puede usar la licencia.".to_owned(),
            ));
            match through {
                Some(through) => parts.push(text(
                    format!("It is paid through {}.", day(through)),
                    format!("Está pagada hasta el {}, inclusive.", day(through)),
                )),
                None if trial => parts.push(text(
                    "The trial's time starts when you activate the server, not today.".to_owned(),
                    "El plazo de la prueba empieza cuando active el servidor, no hoy.".to_owned(),
                )),
                None => {}
            }
        }
        Message::Reminder { through } => parts.push(text(
            format!("Your licence of {product}, plan {plan}, is paid through {}. Renew it before then, and nothing changes for your server.", day(through)),
            format!("Su licencia de {product}, plan {plan}, está pagada hasta el {}, inclusive. Renuévela antes y nada cambiará para su servidor.", day(through)),
        )),
        Message::Grace { until } => parts.push(text(
            format!("The paid time of your licence of {product}, plan {plan}, is over. The server works on through {}, so that there is time to renew it.", day(until)),
            format!("El periodo pagado de su licencia de {product}, plan {plan}, ha terminado. El servidor seguirá funcionando hasta el {}, inclusive, para que tenga tiempo de renovarla.", day(until)),
        )),
        Message::Expired => parts.push(text(
            format!("Your licence of {product}, plan {plan}, has ended. Once you renew it or buy another, the server works again at its next check."),
            format!("Su licencia de {product}, plan {plan}, ha terminado. En cuanto la renueve o compre otra, el servidor volverá a funcionar en su próxima comprobación."),
        )),
        Message::PlanChanged { through } => {
            parts.push(text(
                format!("Your licence of {product} is now on the plan {plan}. Code and server stay as they are."),
                format!("Su licencia de {product} está ahora en el plan {plan}. El código y el servidor siguen siendo los mismos."),
            ));
            if let Some(through) = through {
                parts.push(text(
                    format!("It is paid through {}.", day(through)),
                    format!("Está pagada hasta el {}, inclusive.", day(through)),
                ));
            }
        }
        Message::Suspended => parts.push(text(
            format!("Your licence of {product}, plan {plan}, has been suspended. The server stops at its next check. Write to us to have it mended."),
            format!("Su licencia de {product}, plan {plan}, ha sido suspendida. El servidor se detendrá en su próxima comprobación. Escríbanos para resolverlo."),
        )),
        Message::Revoked => parts.push(text(
            format!("Your licence of {product}, plan {plan}, has been revoked and cannot be used any more. If you think that this is a mistake, write to us."),
            format!("Su licencia de {product}, plan {plan}, ha sido revocada y ya no se puede usar. Si cree que se trata de un error, escríbanos."),
        )),
        Message::Moved => parts.push(text(
            format!("Your licence of {product}, plan {plan}, was activated in another domain than before. If that was you, there is nothing to do. If not, somebody else has your code: write to us."),
            format!("Su licencia de {product}, plan {plan}, se ha activado en un dominio distinto del anterior. Si ha sido usted, no tiene que hacer nada. Si no, alguien más tiene su código: escríbanos."),
        )),
    }
    let licence = license.map(|id| say(format!("Licence: {id}"), format!("Licencia: {id}")));
    parts.extend(licence.map(Part::Text));
    parts.push(text(format!("Questions: {contact}"), format!("Consultas: {contact}")));
    Wording { subject, parts }
}

fn subject(message: Message<'_>, product: &str, language: Language) -> String {
    let (english, spanish) = match message {
        Message::TrialLink { .. } => ("Confirm your trial of", "Confirme su prueba de"),
        Message::TrialLimit => ("About your trial of", "Sobre su prueba de"),
        Message::Issued { trial: true, .. } => ("Your trial of", "Su prueba de"),
        Message::Issued { .. } => ("Your licence of", "Su licencia de"),
        Message::Reminder { through } => {
            let day = in_words(through, language);
            return match language {
                Language::English => format!("Your licence of {product} ends on {day}"),
                Language::Spanish => format!("Su licencia de {product} termina el {day}"),
            };
        }
        Message::Grace { .. } => ("Time to renew your licence of", "Es hora de renovar su licencia de"),
        Message::Expired => ("The end of your licence of", "Fin de su licencia de"),
        Message::PlanChanged { .. } => ("Another plan for your licence of", "Nuevo plan de su licencia de"),
        Message::Suspended => ("Suspended: your licence of", "Suspendida: su licencia de"),
        Message::Revoked => ("Revoked: your licence of", "Revocada: su licencia de"),
        Message::Moved => ("Moved to another domain: your licence of", "En otro dominio: su licencia de"),
    };
    match language {
        Language::English => format!("{english} {product}"),
        Language::Spanish => format!("{spanish} {product}"),
    }
}
