//! Everything that the pages say, in every language side by side, so that one is never changed without the other.

use http::StatusCode;
use marque_core::customer::Language;

/// A page that says what is the matter and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// No token, or none of this seller's.
    TokenInvalid,
    /// A token that is too old.
    TokenExpired,
    /// The token is for a product that is not sold here.
    ProductUnknown,
    /// AWS cannot be reached.
    AwsDown,
    /// Ours is the fault.
    NotNow,
    /// No session, or one that is too old or forged.
    NoSession,
    /// The form is for another agreement than the session.
    OtherAgreement,
    /// The form came from another site.
    CrossSite,
    /// The form is too large.
    TooLarge,
    /// What was sent is no form.
    NoForm,
}

/// The form comes back with its faults beside the fields.
pub(super) const FAULTY_FORM: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

impl Notice {
    /// Whether trying again later may help.
    pub(super) const fn passes(self) -> bool {
        matches!(self, Self::AwsDown | Self::NotNow)
    }

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::TokenInvalid | Self::TokenExpired | Self::ProductUnknown => StatusCode::BAD_REQUEST,
            Self::AwsDown | Self::NotNow => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoSession => StatusCode::UNAUTHORIZED,
            Self::OtherAgreement => StatusCode::CONFLICT,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// What is the matter, and what to do.
    pub(super) const fn texts(self) -> (Text, Text) {
        match self {
            Self::TokenInvalid => (Text::TokenInvalid, Text::TokenInvalidCure),
            Self::TokenExpired => (Text::TokenExpired, Text::TokenExpiredCure),
            Self::ProductUnknown => (Text::ProductUnknown, Text::ProductUnknownCure),
            Self::AwsDown => (Text::AwsDown, Text::AwsDownCure),
            Self::NotNow => (Text::NotNow, Text::NotNowCure),
            Self::NoSession => (Text::NoSession, Text::NoSessionCure),
            Self::OtherAgreement => (Text::OtherAgreement, Text::OtherAgreementCure),
            Self::CrossSite => (Text::CrossSite, Text::CrossSiteCure),
            Self::TooLarge => (Text::TooLarge, Text::TooLargeCure),
            Self::NoForm => (Text::NoForm, Text::NoFormCure),
        }
    }
}

/// What stands in a form's field, and what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: Text,
    /// What browsers and password managers fill in.
    pub(super) autocomplete: &'static str,
    pub(super) kind: &'static str,
    pub(super) longest: u16,
}

pub(super) const FIELDS: [Field; 3] = [
    Field { name: "name", label: Text::YourName, autocomplete: "name", kind: "text", longest: 200 },
    Field { name: "company", label: Text::Company, autocomplete: "organization", kind: "text", longest: 200 },
    Field { name: "email", label: Text::Email, autocomplete: "email", kind: "email", longest: 254 },
];

macro_rules! texts {
    ($($name:ident: $english:literal, $spanish:literal;)*) => {
        /// A text of the pages.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Text {
            $($name,)*
        }

        impl Text {
            /// The text in a language.
            pub(super) const fn of(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::English) => $english,
                    (Self::$name, Language::Spanish) => $spanish,)*
                }
            }

            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

texts! {
    // Around every page.
    Purchase: "Your purchase on AWS Marketplace", "Su compra en AWS Marketplace";
    Questions: "Questions? Write to", "¿Preguntas? Escriba a";
    NeverSend: "Please never send us a licence code or payment details.",
        "Por favor, no nos envíe nunca un código de licencia ni datos de pago.";
    OtherLanguage: "Español", "English";

    // The steps.
    Steps: "Steps", "Pasos";
    StepSubscribe: "Subscribe", "Suscribirse";
    StepRegister: "Register", "Registrarse";
    StepUse: "Use", "Usar";

    // The form.
    RegisterTitle: "Register your purchase", "Registre su compra";
    CheckTitle: "Please check your entries", "Revise los datos";
    CheckSummary: "Something is missing or misspelt. It says what beside each field.",
        "Falta algo o está mal escrito. Junto a cada campo se indica qué.";
    RegisterIntro: "Tell us who looks after the product. We send the licence to this person; your payment stays with AWS.",
        "Díganos quién se ocupa del producto. Enviaremos la licencia a esa persona; el pago sigue a cargo de AWS.";
    YourName: "Your name", "Su nombre";
    Company: "Company", "Empresa";
    Email: "E-mail address", "Correo electrónico";
    Terms: "I accept the terms of the product as listed on AWS Marketplace",
        "Acepto las condiciones del producto que figuran en AWS Marketplace";
    TermsFault: "Tick the box to go on.", "Marque la casilla para continuar.";
    NameFault: "Enter 1 to 200 characters in one line.", "Introduzca de 1 a 200 caracteres en una línea.";
    EmailFault: "Enter an e-mail address such as ann.lee@example.org.",
        "Introduzca un correo electrónico como ann.lee@example.org.";
    Register: "Register", "Registrar";
    RegisteredBefore: "Registered before?", "¿Ya se ha registrado?";
    SeePurchase: "See your purchase", "Vea su compra";

    // The states.
    NotConfirmed: "Payment not confirmed yet", "Pago aún sin confirmar";
    NotConfirmedTold: "You are registered. AWS has not confirmed the payment yet; that is not an error.",
        "Ya está registrado. AWS todavía no ha confirmado el pago; no es un error.";
    Active: "Active", "Activa";
    ActiveTold: "Your subscription is active.", "Su suscripción está activa.";
    EndingTold: "Your subscription is being renewed or replaced, and goes on.",
        "Su suscripción se está renovando o sustituyendo, y continúa.";
    Suspended: "Suspended", "Suspendida";
    SuspendedTold: "AWS has suspended the subscription. Look at its state in the AWS console.",
        "AWS ha suspendido la suscripción. Consulte su estado en la consola de AWS.";
    Ended: "Ended", "Terminada";
    ExpiredTold: "The subscription has run out. Subscribe again on AWS Marketplace to go on.",
        "La suscripción ha vencido. Suscríbase de nuevo en AWS Marketplace para continuar.";
    EndedTold: "The subscription has ended. Subscribe again on AWS Marketplace to go on.",
        "La suscripción ha terminado. Suscríbase de nuevo en AWS Marketplace para continuar.";
    PaymentFailed: "Payment failed", "Pago fallido";
    PaymentFailedTold: "AWS could not confirm the payment, so nothing was charged and no licence was made. Check your payment method in the AWS console and subscribe again.",
        "AWS no ha podido confirmar el pago, por lo que no se ha cobrado nada ni se ha creado ninguna licencia. Revise su forma de pago en la consola de AWS y suscríbase de nuevo.";

    // The purchase.
    YourCode: "Your licence code", "Su código de licencia";
    CodeMailed: "It is in a mail to you as well. Keep it to yourself: whoever has it can use the licence.",
        "También lo recibirá por correo. No lo comparta: quien lo tenga puede usar la licencia.";
    HowToInstall: "How to install", "Cómo instalar";
    InstallServer: "Install the product on a server of your domain, as its guide says.",
        "Instale el producto en un servidor de su dominio, como indica su guía.";
    InstallCode: "Enter the code in the server's setup. It activates by itself, once, for this domain.",
        "Introduzca el código en la configuración del servidor. Se activa solo, una vez, para este dominio.";
    InstallOnline: "Let the server reach the internet once a day. It goes on by itself while your subscription runs.",
        "Permita que el servidor acceda a internet una vez al día. Seguirá funcionando solo mientras dure la suscripción.";
    WhatNext: "What happens next", "Qué ocurre ahora";
    WhatNextTold: "The licence code appears on this page, and in a mail to you, as soon as AWS confirms the payment. That usually takes a minute or two. You can load this page again, or close it and wait for the mail.",
        "El código de licencia aparecerá en esta página, y en un correo, en cuanto AWS confirme el pago. Suele tardar uno o dos minutos. Puede volver a cargar esta página, o cerrarla y esperar el correo.";
    LoadAgain: "Load this page again", "Volver a cargar esta página";
    WhatYouBought: "What you bought", "Lo que ha comprado";
    PurchaseNamed: "Purchase", "Compra";
    Dimension: "Dimension", "Dimensión";
    Amount: "Amount", "Cantidad";
    Until: "Until", "Hasta";
    NoEnd: "no end", "sin fin";
    Yes: "yes", "sí";
    No: "no", "no";
    Support: "Support", "Asistencia";
    WriteTo: "Write to", "Escriba a";
    NameYourPurchase: "and name your purchase:", "e indique su compra:";

    // What is the matter, and what to do.
    TokenInvalid: "This link from AWS Marketplace does not work", "Este enlace de AWS Marketplace no funciona";
    TokenInvalidCure: "In the AWS console, open AWS Marketplace, Manage subscriptions, choose the product and press “Set up your account”. You do not have to subscribe again.",
        "En la consola de AWS, abra AWS Marketplace, administre sus suscripciones, elija el producto y pulse «Set up your account». No tiene que suscribirse de nuevo.";
    TokenExpired: "This link from AWS Marketplace has expired", "Este enlace de AWS Marketplace ha caducado";
    TokenExpiredCure: "Links work for a few hours. In the AWS console, open AWS Marketplace, Manage subscriptions, choose the product and press “Set up your account” for a new one. You do not have to subscribe again.",
        "Los enlaces funcionan unas horas. En la consola de AWS, abra AWS Marketplace, administre sus suscripciones, elija el producto y pulse «Set up your account» para obtener otro. No tiene que suscribirse de nuevo.";
    ProductUnknown: "This product is not set up here", "Este producto no está configurado aquí";
    ProductUnknownCure: "Please write to us with the name of the product that you subscribed to, and we set it up.",
        "Escríbanos con el nombre del producto al que se ha suscrito, y lo configuraremos.";
    AwsDown: "AWS Marketplace does not answer right now", "AWS Marketplace no responde en este momento";
    AwsDownCure: "Nothing is lost. Wait a moment and press the button to try again.",
        "No se ha perdido nada. Espere un momento y pulse el botón para intentarlo de nuevo.";
    TryAgain: "Try again", "Intentarlo de nuevo";
    NotNow: "This cannot be done right now", "Ahora mismo no es posible";
    NotNowCure: "Nothing is lost. Wait a moment and load the page again.",
        "No se ha perdido nada. Espere un momento y vuelva a cargar la página.";
    NoSession: "Please open this page from AWS Marketplace", "Abra esta página desde AWS Marketplace";
    NoSessionCure: "A visit lasts two hours. In the AWS console, open AWS Marketplace, Manage subscriptions, choose the product and press “Set up your account” to come back. You do not have to subscribe again.",
        "Una visita dura dos horas. En la consola de AWS, abra AWS Marketplace, administre sus suscripciones, elija el producto y pulse «Set up your account» para volver. No tiene que suscribirse de nuevo.";
    OtherAgreement: "This form is for another purchase", "Este formulario es de otra compra";
    OtherAgreementCure: "You have opened another purchase in this browser since. Press “Set up your account” in AWS Marketplace for the purchase that you want to register, and fill in its form.",
        "Después ha abierto otra compra en este navegador. Pulse «Set up your account» en AWS Marketplace para la compra que quiere registrar y rellene su formulario.";
    CrossSite: "This form was sent from another site", "Este formulario se ha enviado desde otro sitio";
    CrossSiteCure: "Open the page from AWS Marketplace again, and fill in the form there.",
        "Abra de nuevo la página desde AWS Marketplace y rellene allí el formulario.";
    TooLarge: "This is too much text", "Es demasiado texto";
    TooLargeCure: "Go back and shorten what you have entered.", "Vuelva atrás y acorte lo que ha escrito.";
    NoForm: "This is no form that this page has sent", "Este no es un formulario de esta página";
    NoFormCure: "Go back and send the form again.", "Vuelva atrás y envíe de nuevo el formulario.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_every_language_and_ends_alike() {
        for text in Text::ALL {
            let (english, spanish) = (text.of(Language::English), text.of(Language::Spanish));
            assert!(!english.is_empty() && !spanish.is_empty(), "{text:?}");
            for end in ['.', '?', ':'] {
                assert_eq!(english.ends_with(end), spanish.ends_with(end), "{text:?}");
            }
        }
    }
}
