using ControlPlane.Adapters.LocalCa;
using ControlPlane.Adapters.Tests.Certificates;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Tests.LocalCa;

public sealed class LocalCaRsa2048Tests(LocalCaFolder folder) : LocalCaContract(folder, LocalCaKeyKind.Rsa2048);

public sealed class LocalCaRsa4096Tests(LocalCaFolder folder) : LocalCaContract(folder, LocalCaKeyKind.Rsa4096);

public sealed class LocalCaP256Tests(LocalCaFolder folder) : LocalCaContract(folder, LocalCaKeyKind.P256);

public sealed class LocalCaP384Tests(LocalCaFolder folder) : LocalCaContract(folder, LocalCaKeyKind.P384);

/// <summary>The embedded CA by the kind of its key. One CA serves a class: making its keys takes longer than all its tests.</summary>
public abstract class LocalCaContract(LocalCaFolder folder, LocalCaKeyKind keyKind)
    : CertificateIssuerContract, IClassFixture<LocalCaFolder>
{
    protected override Task<ICertificateIssuer> StartAsync() => Task.FromResult<ICertificateIssuer>(folder.Open(new LocalCaOptions
    {
        DataFolder = folder.Path,
        KeyKind = keyKind,
        RevocationListUrl = new Uri("http://crl.example.net/ca"),
    }));
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
