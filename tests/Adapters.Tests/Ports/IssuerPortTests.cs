using Azure.Core.Pipeline;
using ControlPlane.Adapters.Cfssl;
using ControlPlane.Adapters.Command;
using ControlPlane.Adapters.KeyVault;
using ControlPlane.Adapters.LocalCa;
using ControlPlane.Adapters.Tests.Cfssl;
using ControlPlane.Adapters.Tests.KeyVault;
using ControlPlane.Adapters.Vault;
using ControlPlane.Certificates;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Ports;

namespace ControlPlane.Adapters.Tests.Ports;

/// <summary>How the folder of the embedded CA fails it.</summary>
public enum FolderFailure
{
    IsFile,
    HoldsNoCertificate,
    HoldsNoKey,
    HasFolderForNumber,
    HoldsNoNumber,
}

/// <summary>The issuers of certificates, whose CAs are behind HTTP or in files; those that are programs are tested with programs.</summary>
public sealed class IssuerPortTests : PortFailureTests
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2);

    private readonly TestAuthority authority = TestAuthority.Create(TestKeyKind.P256);
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-ports-").FullName;

    public static IEnumerable<(Type Port, Type Implementation)> Tested =>
    [
        .. Of(typeof(CfsslIssuer)),
        .. Of(typeof(VaultIssuer)),
        .. Of(typeof(KeyVaultIssuer)),
        .. Of(typeof(LocalCaIssuer)),
        .. Of(typeof(HelperCertificates)),
    ];

    public static TheoryData<WebFailure> WebFailures => [.. Enum.GetValues<WebFailure>()];

    public static TheoryData<FolderFailure> FolderFailures => [.. Enum.GetValues<FolderFailure>()];

    [Theory]
    [MemberData(nameof(WebFailures))]
    public async Task Cfssl_ThrowsWhatItDeclares_WhenItFails(WebFailure failure)
    {
        await using var web = new FailingWeb(failure);
        var options = CfsslOptions(web.Url);
        using var issuer = CfsslWorld.Open(options);

        await AssertAsync(issuer);
    }

    [Fact]
    public async Task Cfssl_ThrowsWhatItDeclares_WhenItDiesAfterItWasFoundGood()
    {
        await using var server = await CfsslServer.StartAsync(new CfsslServerSettings { Database = true }, Cancel);
        var options = CfsslOptions(server.Url);
        options.ChainFile = server.ChainFile;
        options.Revocation = CfsslRevocation.Database;
        using var issuer = CfsslWorld.Open(options);
        await issuer.VerifyAsync(Cancel);
        await server.KillAsync();

        await AssertTranslatedAsync(
            Tested, PortsOf(issuer, _ => [typeof(IssuerUnavailableException)]));
    }

    [Theory]
    [MemberData(nameof(WebFailures))]
    public async Task Vault_ThrowsWhatItDeclares_WhenItFails(WebFailure failure)
    {
        await using var web = new FailingWeb(failure);
        var options = new VaultOptions
        {
            Url = web.Url,
            Role = "node",
            Timeout = AnswerWithin,
            Login = new VaultLoginOptions
            {
                RoleIdFile = Write("role-id", PortProbe.Planted), SecretIdFile = Write("secret-id", PortProbe.Planted),
            },
        };
        using var issuer = new VaultIssuer("tested", options, TimeProvider.System, new Random(1));
        using var storing = new VaultIssuer("tested", Stored(options), TimeProvider.System, new Random(1));

        await AssertAsync(issuer, storing);

        static VaultOptions Stored(VaultOptions options) => new()
        {
            Url = options.Url, Role = options.Role, Timeout = options.Timeout, Login = options.Login, Stored = true,
        };
    }

    [Fact]
    public async Task Vault_ThrowsWhatItDeclares_WhenItsTokenCannotBeSent()
    {
        await using var web = new FailingWeb(WebFailure.AnswersEmptyObject);
        var options = new VaultOptions
        {
            Url = web.Url,
            Role = "node",
            Login = new VaultLoginOptions
            {
                Method = VaultLoginMethod.Token, TokenFile = Write("token", $"two\n{PortProbe.Planted}"),
            },
        };
        using var issuer = new VaultIssuer("tested", options, TimeProvider.System, new Random(1));

        await AssertAsync(issuer);
    }

    [Theory]
    [MemberData(nameof(WebFailures))]
    public async Task KeyVault_ThrowsWhatItDeclares_WhenItFails(WebFailure failure)
    {
        await using var web = new FailingWeb(failure);
        var options = new KeyVaultOptions
        {
            Url = new Uri("https://tested.vault.azure.net"), Certificate = "ca", Timeout = AnswerWithin,
        };
        using var client = new KeyVaultClient(
            "tested", options, new CountedCredential(), new HttpClientTransport(new Rerouted(web.Url)));
        using var issuer = new KeyVaultIssuer("tested", options, client, new VaultBudget(TimeProvider.System), TimeProvider.System);

        await AssertAsync(issuer);
    }

    [Theory]
    [MemberData(nameof(FolderFailures))]
    public async Task LocalCa_ThrowsWhatItDeclares_WhenItsFolderFails(FolderFailure failure)
    {
        var place = Path.Combine(folder, "ca");
        if (failure == FolderFailure.IsFile)
        {
            await File.WriteAllTextAsync(place, "", Cancel);
        }
        else
        {
            using var made = Open();
            await made.GetChainAsync(Cancel);
        }

        switch (failure)
        {
            case FolderFailure.HoldsNoCertificate:
                Write("ca/root.pem", "no PEM");
                break;
            case FolderFailure.HoldsNoKey:
                File.Delete(Path.Combine(place, "intermediate-001.key"));
                break;
            case FolderFailure.HasFolderForNumber:
                Directory.CreateDirectory(Path.Combine(place, "revocation-list.number"));
                break;
            case FolderFailure.HoldsNoNumber:
                Write("ca/revocation-list.number", "no number");
                break;
            default:
                break;
        }

        using var issuer = Open();
        await AssertTranslatedAsync(Tested, PortsOf(issuer, port => Expected(failure, port)));

        LocalCaIssuer Open() => new(
            "tested", new LocalCaOptions { DataFolder = place, KeyKind = LocalCaKeyKind.P256 }, TimeProvider.System);
    }

    [Fact]
    public Task TheHelpersCertificates_AreMissed_WhenItBroughtNone() => AssertTranslatedAsync(
        Tested, new FailingPort(typeof(ICertificateIssuer), new HelperCertificates(), typeof(IssuerMisconfiguredException)));

    protected override void Dispose(bool disposing)
    {
        authority.Dispose();
        Directory.Delete(folder, recursive: true);
        base.Dispose(disposing);
    }

    private static Type[] Expected(FolderFailure failure, Type port) => failure switch
    {
        FolderFailure.IsFile or FolderFailure.HoldsNoCertificate or FolderFailure.HoldsNoKey => [typeof(IssuerMisconfiguredException)],
        FolderFailure.HoldsNoNumber when port == typeof(ICertificateRevocationListSource) => [typeof(IssuerMisconfiguredException)],
        _ when port == typeof(ICertificateRevocationListSource) => [typeof(IssuerUnavailableException)],

        // What it is asked to revoke is not its own.
        _ when port == typeof(ICertificateRevoker) => [typeof(IssuerRefusedException)],
        _ => [],
    };

    private static IEnumerable<(Type Port, Type Implementation)> Of(Type issuer) =>
        PortList.All.Where(port => port.IsAssignableFrom(issuer)).Select(port => (port, issuer));

    // Which of an issuer's classes of failure it is, the issuers' own tests say; here, that it is one of them.
    private Task AssertAsync(params ICertificateIssuer[] issuers) => AssertTranslatedAsync(
        Tested,
        [
            .. issuers.SelectMany(issuer => PortsOf(issuer, _ => []))
                .Select(port => port with { ThrowsAny = true, MayAnswer = port.Port != typeof(ICertificateIssuer) })
        ]);

    private CfsslOptions CfsslOptions(Uri url) => new()
    {
        Url = url,
        Profile = CfsslServer.NodeProfile,
        ChainFile = Write("chain.pem", authority.ChainPem),
        Timeout = AnswerWithin,
    };

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Sends to one server what is meant for a vault.</summary>
    private sealed class Rerouted(Uri url) : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false })
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri = new Uri(url, request.RequestUri!.PathAndQuery);
            request.Headers.Host = null;
            return base.SendAsync(request, cancellationToken);
        }
    }
}
