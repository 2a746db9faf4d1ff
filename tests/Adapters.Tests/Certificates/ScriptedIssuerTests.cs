using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Tests.Certificates;

/// <summary>The fake that the tests of the grains trust keeps the same promises as the issuers that it stands for.</summary>
public sealed class ScriptedIssuerTests : CertificateIssuerContract
{
    protected override Task<ICertificateIssuer> StartAsync() => Task.FromResult<ICertificateIssuer>(new ScriptedIssuer("tested"));
}

/// <summary>The same where it repeats itself.</summary>
public sealed class RepeatingIssuerTests : CertificateIssuerContract
{
    protected override Task<ICertificateIssuer> StartAsync() =>
        Task.FromResult<ICertificateIssuer>(new ScriptedIssuer("tested", repeatable: true));
}

/// <summary>The same where it lists what it signed.</summary>
public sealed class ListingIssuerTests : CertificateIssuerContract
{
    protected override Task<ICertificateIssuer> StartAsync() => Task.FromResult<ICertificateIssuer>(new ListingIssuer("tested"));

    [Fact]
    public async Task ListSerialNumbersAsync_NamesWhatWasSigned_AsTheLedgerDoes()
    {
        var issuer = await StartAsync();
        var signed = await issuer.IssueAsync(Order(SigningRequests.Choria(Identity)), Cancel);
        var catalog = Assert.IsType<ListingIssuer>(issuer, exactMatch: false);

        var serialNumber = Assert.Single(await catalog.ListSerialNumbersAsync(Cancel));

        Assert.Equal(CertificateFields.Read(signed.CertificateDer).SerialText, serialNumber);
        Assert.Equal(signed.CertificateDer, await catalog.ReadAsync(serialNumber, Cancel));
        Assert.Null(await catalog.ReadAsync("ABC", Cancel));
    }
}
