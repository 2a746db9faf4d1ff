using System.Security.Cryptography;
using System.Text.RegularExpressions;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Transport;
using ControlPlane.TestKit;

namespace ControlPlane.Cluster.Tests.Silo;

/// <summary>The files that the guide's configurations name, made as the guide says: tokens by its own commands' flags.</summary>
internal sealed partial class GuideCredentials : IDisposable
{
    private const string Caller = "eu.controlplane.mcollective";
    private const int SignerKeyBits = 2048;

    private readonly string guide;
    private readonly TestPki pki = TestPki.Create();
    private readonly Ed25519Key issuer = Ed25519Key.Generate();
    private readonly Dictionary<string, Ed25519Key> keys = new(StringComparer.Ordinal);

    public GuideCredentials(string guide)
    {
        this.guide = guide;
        keys["issuer"] = issuer;
    }

    /// <summary>The organisation issuer's public key: what stands in the guide is an example.</summary>
    public string IssuerPublicKey => issuer.PublicKeyHex;

    /// <summary>The site's public key, likewise.</summary>
    public string SitePublicKey => KeyOf("eu-1").PublicKeyHex;

    /// <summary>What a file of that name holds.</summary>
    public string Content(string file) => Path.GetFileName(file) switch
    {
        "access-tokens" => "operator 0123456789abcdefghijklmnop\n",
        "provisioning-signer.pem" => SignerPem(),
        "api.pem" => File.ReadAllText(pki.ServerCertificate("api").CertificatePath),
        "api.key" => File.ReadAllText(Path.Combine(pki.Folder, "api.key")),
        "silo.pem" => File.ReadAllText(pki.PeerCertificate("silo", PeerName.Of("eu-1", PeerRole.Silo)).CertificatePath),
        "silo.key" => File.ReadAllText(Path.Combine(pki.Folder, "silo.key")),
        "controlplane.pem" => File.ReadAllText(pki.CallerCertificate(Caller).CertificatePath),
        "controlplane.key" => File.ReadAllText(Path.Combine(pki.Folder, $"{Caller}.key")),
        "intermediate.key" => File.ReadAllText(Path.Combine(pki.Folder, "ca.key")),
        var pem when pem.EndsWith(".pem", StringComparison.Ordinal) => File.ReadAllText(pki.AuthorityPath),
        var seed when seed.EndsWith(".seed", StringComparison.Ordinal) => KeyOf(seed[..^".seed".Length]).ExportSeedHex(),
        var token when token.EndsWith(".jwt", StringComparison.Ordinal) => Token(token),
        _ => "a-secret",
    };

    public void Dispose()
    {
        pki.Dispose();
        foreach (var key in keys.Values)
        {
            key.Dispose();
        }
    }

    private static string SignerPem()
    {
        using var key = RSA.Create(SignerKeyBits);
        return key.ExportSubjectPublicKeyInfoPem();
    }

    private Ed25519Key KeyOf(string name) => keys.TryGetValue(name, out var key) ? key : keys[name] = Ed25519Key.Generate();

    // choria jwt client FILE CALLER ISSUER --public-key $(cat X.public) …
    private string Token(string file)
    {
        var command = Commands().Matches(guide.Replace("\\\n", " ", StringComparison.Ordinal))
            .Single(match => match.Groups["file"].Value == file);
        var flags = Flags().Matches(command.Groups["flags"].Value)
            .ToLookup(flag => flag.Groups[1].Value, flag => flag.Groups[2].Value.Trim());
        Assert.Empty(flags.Select(flag => flag.Key).Except(Known));
        var claims = new ClientClaims
        {
            CallerId = command.Groups["caller"].Value,
            PublicKey = KeyOf(PublicOf().Match(flags["public-key"].Single()).Groups[1].Value).PublicKeyHex,
            Agents = flags["agents"].SingleOrDefault()?.Split(','),
            PublishSubjects = flags.Contains("publish") ? [.. flags["publish"].Select(subject => subject.Trim('\''))] : null,
            SubscribeSubjects = flags.Contains("subscribe") ? [.. flags["subscribe"].Select(subject => subject.Trim('\''))] : null,
            Permissions = new ClientPermissions
            {
                // As the command does: on by default, off for a chain issuer that is no provisioner.
                FleetManagement = !flags.Contains("no-fleet-management")
                    && (flags.Contains("fleet-management") || flags.Contains("server-provisioner") || !flags.Contains("issuer")),
                Provisioner = flags.Contains("server-provisioner"),
                StreamsUser = flags.Contains("stream-user"),
                StreamsAdmin = flags.Contains("stream-admin"),
                EventsViewer = flags.Contains("event-viewer"),
                OrganizationAdmin = flags.Contains("org-admin"),
                LongLived = flags.Contains("service"),
            },
        };
        var hours = int.Parse(flags["validity"].Single().TrimEnd('h'), System.Globalization.CultureInfo.InvariantCulture);
        var (signer, now) = (TokenIssuer.Organization(issuer), TimeProvider.System.GetUtcNow());
        return flags.Contains("issuer")
            ? signer.IssueChainIssuer(claims, TimeSpan.FromHours(hours), now)
            : signer.Issue(claims, TimeSpan.FromHours(hours), now);
    }

    /// <summary>The flags of <c>choria jwt client</c> that the captures' commands use.</summary>
    private static readonly string[] Known =
    [
        "public-key", "validity", "issuer", "server-provisioner", "stream-user", "stream-admin", "event-viewer", "fleet-management",
        "no-fleet-management", "agents", "publish", "subscribe", "org-admin", "service",
    ];

    [GeneratedRegex(@"^choria jwt client (?<file>\S+) (?<caller>\S+) issuer\.seed (?<flags>.+)$", RegexOptions.Multiline)]
    private static partial Regex Commands();

    [GeneratedRegex(@"--([a-z-]+)((?: +(?!--)[^ ]+)*)")]
    private static partial Regex Flags();

    [GeneratedRegex(@"\(cat (\S+)\.public\)")]
    private static partial Regex PublicOf();
}
