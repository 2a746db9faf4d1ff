using ControlPlane.Adapters.LocalCa;
using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Tests.LocalCa;

/// <summary>The embedded CA. One serves the class: making its keys takes longer than all its tests.</summary>
public sealed class LocalCaIssuerTests(LocalCaFolder folder) : CertificateIssuerContract, IClassFixture<LocalCaFolder>
{
    protected override Task<ICertificateIssuer> StartAsync() => Task.FromResult<ICertificateIssuer>(folder.Open(OptionsFor(folder)));

    internal static LocalCaOptions OptionsFor(LocalCaFolder folder, LocalCaKeyKind kind = LocalCaKeyKind.P256) => new()
    {
        DataFolder = folder.Path,
        KeyKind = kind,
        RevocationListUrl = new Uri("http://crl.example.net/ca"),
    };
}

public sealed class LocalCaKeysTests
{
    [Theory]
    [InlineData(LocalCaKeyKind.Rsa2048)]
    [InlineData(LocalCaKeyKind.Rsa4096)]
    [InlineData(LocalCaKeyKind.P384)]
    public async Task IssueAsync_Signs_WithEachKindOfKey(LocalCaKeyKind kind)
    {
        using var folder = new LocalCaFolder();
        await IssuerChecks.AssertAllAsync(folder.Open(LocalCaIssuerTests.OptionsFor(folder, kind)));
    }
}

/// <summary>A folder for an embedded CA, and the issuers opened on it.</summary>
public sealed class LocalCaFolder : IDisposable
{
    private readonly List<LocalCaIssuer> opened = [];

    public string Path { get; } = Directory.CreateTempSubdirectory("controlplane-localca-").FullName;

    internal LocalCaIssuer Open(LocalCaOptions options, TimeProvider? time = null)
    {
        var issuer = new LocalCaIssuer("tested", options, time ?? TimeProvider.System);
        opened.Add(issuer);
        return issuer;
    }

    public void Dispose()
    {
        opened.ForEach(issuer => issuer.Dispose());
        Directory.Delete(Path, recursive: true);
    }
}
