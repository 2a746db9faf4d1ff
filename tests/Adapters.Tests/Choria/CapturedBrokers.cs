namespace ControlPlane.Adapters.Choria.Tests;

using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

/// <summary>The brokers whose decisions are recorded, with their settings; see fixtures/choria/broker-decisions/README.md.</summary>
internal static class CapturedBrokers
{
    /// <summary>A time during the recording: no token of it begins or ends between the first log-in and the last.</summary>
    public static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_795_920_000);

    private static readonly string Root = Path.Combine(Captures.Root, "broker-decisions");

    public static Ed25519Key Issuer { get; } = Seed("issuer");

    public static Ed25519Key OtherIssuer { get; } = Seed("otherissuer");

    /// <summary>The brokers' settings, by the capture's <c>mode</c>.</summary>
    public static IReadOnlyDictionary<string, BrokerSettings> Settings { get; } =
        new[] { "v2", "v2ca", "v2notoken", "v2noprov", "v1", "v1sign" }.ToDictionary(mode => mode, SettingsOf);

    public static IEnumerable<JsonNode> Lines(string file)
    {
        var packed = File.OpenRead(Path.Combine(Root, $"{file}.jsonl.gz"));
        using var reader = new StreamReader(new GZipStream(packed, CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            yield return JsonNode.Parse(line)!;
        }
    }

    public static BrokerLogIn LogIn(JsonNode fields, string tls, string? nonce) => new(
        tls switch
        {
            "none" => LogInTls.None,
            "server only" => LogInTls.WithoutCertificate,
            "mTLS:rogue" or "mTLS:expired" => LogInTls.WithUntrustedCertificate,
            _ => LogInTls.WithTrustedCertificate,
        },
        (string?)fields["auth_token"],
        (string?)fields["sig"],
        nonce,
        (string?)fields["user"],
        (string?)fields["pass"]);

    /// <summary>What the broker decides of an identity whose claims are recorded and whose token is not: it is signed anew.</summary>
    public static BrokerVerdict Verdict(JsonNode definition) =>
        BrokerDecision.Judge(Settings[(string)definition["mode"]!], LogIn(definition), Now);

    /// <summary>The log-in of such an identity.</summary>
    public static BrokerLogIn LogIn(JsonNode definition)
    {
        const string Nonce = "nonce";
        var mode = (string)definition["mode"]!;
        var hasCertificate = definition["client_certificate"] is not null || mode == "v1";
        using var holder = Ed25519Key.Generate();
        var claims = definition["claims"]?.DeepClone();
        var byRsa = claims is not null && ((string?)definition["identity"])!.EndsWith("rs256", StringComparison.Ordinal);
        if (claims?["public_key"] is not null || claims?["callerid"] is not null || claims?["identity"] is not null)
        {
            claims!["public_key"] = holder.PublicKeyHex;
        }

        var connect = definition["connect"]!;
        return new BrokerLogIn(
            hasCertificate && !byRsa ? LogInTls.WithTrustedCertificate : LogInTls.WithoutCertificate,
            claims is null ? null : Sign(claims, byRsa),
            NatsNonce.Sign(holder, Nonce),
            Nonce,
            (string?)connect["user"],
            (string?)connect["pass"]);
    }

    private static BrokerSettings SettingsOf(string mode)
    {
        var issuers = new Dictionary<string, IssuerKey>
        {
            ["choria"] = IssuerKey.FromEd25519Hex(Issuer.PublicKeyHex),
            ["acme"] = IssuerKey.FromEd25519Hex(OtherIssuer.PublicKeyHex),
        };
        var signer = IssuerKey.FromRsaPem(File.ReadAllText(Path.Combine(Root, "keys", "provsigner.pem")));
        var bare = new BrokerSettings { Leniency = BrokerLeniency.OfChoria };
        var known = bare with { ProvisionerPassword = "provS3cret", SystemUser = "system", SystemPassword = "sysS3cret" };
        return mode switch
        {
            "v2" => known with { Issuers = issuers, ProvisioningSigner = signer },
            "v2ca" => known with { Issuers = issuers, VerifiesCertificates = true },
            "v2notoken" => known with { Issuers = issuers, ProvisionerNeedsToken = false, AcceptsNodes = false },
            "v2noprov" => bare with { Issuers = issuers },
            "v1" => known with { VerifiesCertificates = true, ProvisioningSigner = signer },
            "v1sign" => bare with
            {
                VerifiesCertificates = true,
                HasClientHosts = true,
                ClientSigners = [issuers["choria"]],
                ServerSigners = [issuers["choria"]],
            },
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "no broker of this name is recorded"),
        };
    }

    private static string Sign(JsonNode claims, bool byRsa)
    {
        if (!byRsa)
        {
            var issuer = (string?)claims["ou"] == "acme" ? OtherIssuer : Issuer;
            return TokenText.Write(TokenAlgorithms.EdDsa, JsonSerializer.SerializeToUtf8Bytes(claims), bytes => issuer.Sign(bytes));
        }

        using var signer = RSA.Create();
        signer.ImportFromPem(File.ReadAllText(Path.Combine(Root, "keys", "provsigner.key")));
        return TokenText.Write(
            TokenAlgorithms.Rs256,
            JsonSerializer.SerializeToUtf8Bytes(claims),
            bytes => signer.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static Ed25519Key Seed(string name) => Ed25519Key.FromSeedHex(File.ReadAllText(Path.Combine(Root, "keys", $"{name}.seed")));
}
