namespace ControlPlane.Adapters.Choria;

using System.Security.Cryptography;
using System.Text;

/// <summary>
/// Who may log in to a Choria broker, and as whom. Pure: the same settings, log-in and time give the same verdict. The user's name
/// chooses the branch: provisioner, system user, or anyone; who is refused in the last and showed no certificate may still be an
/// unprovisioned node.
/// </summary>
public static class BrokerDecision
{
    /// <summary>The user that provisions nodes.</summary>
    public const string ProvisionerUser = "provisioner";

    public static BrokerVerdict Judge(BrokerSettings settings, BrokerLogIn logIn, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(logIn);
        if (TlsFault(settings, logIn.Tls) is { } fault)
        {
            return new BrokerVerdict.Refused(fault);
        }

        var hasCertificate = settings.VerifiesCertificates && logIn.Tls == LogInTls.WithTrustedCertificate;
        var token = string.IsNullOrEmpty(logIn.Token) ? null : PresentedToken.Read(logIn.Token, settings.Leniency);
        var branch = new Branch(settings, logIn, token, hasCertificate, new BrokerTokens(settings, now));
        return logIn.User switch
        {
            ProvisionerUser => branch.Provisioner(),
            { Length: > 0 } user when user == settings.SystemUser => hasCertificate ? branch.SystemByCertificate() : branch.SystemByToken(),
            _ => branch.AnyoneElse(),
        };
    }

    private static string? TlsFault(BrokerSettings settings, LogInTls tls) => tls switch
    {
        LogInTls.None => "tls: first record does not look like a TLS handshake",
        LogInTls.WithUntrustedCertificate when settings.VerifiesCertificates => "tls: failed to verify certificate",
        _ => null,
    };

    private sealed record Branch(
        BrokerSettings Settings, BrokerLogIn LogIn, PresentedToken? Token, bool HasCertificate, BrokerTokens Tokens)
    {
        private const string InvalidToken = "invalid nonce signature or jwt token";

        public BrokerVerdict Provisioner()
        {
            var fault = PasswordFault() ?? (Settings.HasIssuers ? ProvisionerTokenFault() : ProvisionerCertificateFault());
            return fault is null
                ? new BrokerVerdict.Admitted(BrokerParty.Provisioner, BrokerAccounts.Provisioning, ProvisionerUser, SubjectRights.All)
                : new BrokerVerdict.Refused($"Handling provisioning user connection failed, denying: {fault}");
        }

        public BrokerVerdict SystemByCertificate() => HasSystemPassword()
            ? SystemUser()
            : new BrokerVerdict.Refused("Handling system user failed, denying: invalid system credentials");

        public BrokerVerdict SystemByToken()
        {
            string? cause = null;
            var fault = Token is null ? "no JWT token received"
                : Token.Purpose != TokenClaims.ClientPurpose ? "client token required"
                : SystemTokenFault(Token, out cause) ?? (HasSystemPassword() ? null : "invalid system credentials");
            return fault is null
                ? SystemUser()
                : new BrokerVerdict.Refused($"Handling unverified TLS system user failed, denying: {fault}", cause);
        }

        public BrokerVerdict AnyoneElse()
        {
            var (admitted, fault, cause) = ByTokenOrCertificate();
            if (admitted is not null)
            {
                return admitted;
            }

            var unprovisioned = HasCertificate ? "<nil>" : UnprovisionedFault();
            return unprovisioned is null
                ? new BrokerVerdict.Admitted(
                    BrokerParty.UnprovisionedNode, BrokerAccounts.Provisioning, LogIn.User ?? "", BrokerRights.UnprovisionedNode)
                : new BrokerVerdict.Refused($"Denying connection: verified error: {fault}, unverified error: {unprovisioned}", cause);
        }

        private static bool AreEqual(string expected, string? given) => CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(expected)), SHA256.HashData(Encoding.UTF8.GetBytes(given ?? "")));

        private static BrokerVerdict.Admitted InChoria(BrokerParty party, string user, SubjectRights rights) =>
            new(party, BrokerAccounts.Choria, user, rights);

        private string? PasswordFault() =>
            Settings.ProvisionerPassword is null ? "provisioning user password not enabled"
            : string.IsNullOrEmpty(LogIn.Password) ? "password required"
            : AreEqual(Settings.ProvisionerPassword, LogIn.Password) ? null
            : "invalid provisioner password supplied";

        private string? ProvisionerCertificateFault() =>
            HasCertificate ? null : "provisioning user is only allowed over verified TLS connections";

        private string? ProvisionerTokenFault()
        {
            if (Token is null)
            {
                return Settings.ProvisionerNeedsToken ? "no token provided in connection" : null;
            }

            if (!Tokens.TryReadOfIssuer(Token, out var claims, out var fault))
            {
                return fault;
            }

            if (claims.Permissions?.Provisioner != true)
            {
                return $"provisioner claim is false in token with caller id '{BrokerText.Shown(claims.CallerId)}'";
            }

            return Settings.Leniency.ProvisionerWithoutProof ? null
                : claims.CallerId.Length == 0 ? "no callerid in claims"
                : BrokerNonce.Fault(claims.PublicKey, LogIn.Nonce, LogIn.Signature);
        }

        private BrokerVerdict.Admitted SystemUser() =>
            new(BrokerParty.SystemUser, BrokerAccounts.System, LogIn.User!, SubjectRights.All);

        private bool HasSystemPassword() => Settings.SystemPassword is { } password && AreEqual(password, LogIn.Password);

        private string? SystemTokenFault(PresentedToken token, out string? cause)
        {
            if (!Tokens.TryRead(token, out ClientClaims? claims, out cause))
            {
                return "invalid JWT token";
            }

            if (claims.Permissions is not { SystemUser: true } and not { OrganizationAdmin: true })
            {
                return "no system_user or org_admin claim";
            }

            cause = BrokerNonce.Fault(claims.PublicKey, LogIn.Nonce, LogIn.Signature);
            return cause is null ? null : "invalid nonce signature";
        }

        // A token that is shown decides alone: a certificate beside it helps nobody whose token is refused.
        private (BrokerVerdict? Admitted, string Fault, string? Cause) ByTokenOrCertificate() => Token switch
        {
            { Purpose: TokenClaims.ClientPurpose } => ByClientToken(Token),
            { Purpose: TokenClaims.ServerPurpose } => ByServerToken(Token),
            not null => (null, $"do not know how to handle {BrokerText.Shown(Token.Purpose)} purpose token", null),
            null when HasCertificate => (ByCertificate(), "", null),
            null => (null, "unverified connection without JWT token", null),
        };

        private (BrokerVerdict? Admitted, string Fault, string? Cause) ByClientToken(PresentedToken token)
        {
            if (!Tokens.TryRead(token, out ClientClaims? claims, out var cause))
            {
                return (null, InvalidToken, cause);
            }

            cause = BrokerNonce.Fault(claims.PublicKey, LogIn.Nonce, LogIn.Signature);
            return cause is null
                ? (InChoria(BrokerParty.Client, claims.CallerId, BrokerRights.Client(claims)), "", null)
                : (null, InvalidToken, cause);
        }

        private (BrokerVerdict? Admitted, string Fault, string? Cause) ByServerToken(PresentedToken token)
        {
            if (!Tokens.TryRead(token, out ServerClaims? claims, out var cause))
            {
                return (null, InvalidToken, cause);
            }

            cause = BrokerNonce.Fault(claims.PublicKey, LogIn.Nonce, LogIn.Signature);
            var rights = Settings.AcceptsNodes ? BrokerRights.Node(claims) : SubjectRights.Nothing;
            return cause is null ? (InChoria(BrokerParty.Node, claims.Identity, rights), "", null) : (null, InvalidToken, cause);
        }

        private BrokerVerdict.Admitted ByCertificate() => InChoria(
            BrokerParty.CertificateHolder,
            LogIn.User ?? "",
            Settings.HasClientHosts ? BrokerRights.CertificateOfNode
            : Settings.HasIssuers ? BrokerRights.CertificateBesideIssuers
            : SubjectRights.All);

        private string? UnprovisionedFault() =>
            !Settings.HasProvisioning ? "provisioning account is not set"
            : Token is null ? "provisioning requires a token"
            : Tokens.ProvisioningFault(Token);
    }
}
