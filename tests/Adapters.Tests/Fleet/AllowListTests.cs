using System.Security.Cryptography;
using System.Text;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace ControlPlane.Adapters.Tests.Fleet;

public sealed class AllowListTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-allow-").FullName;
    private readonly NodeProofOptions options;

    public AllowListTests() => options = new NodeProofOptions { AllowListFile = Path.Combine(folder, "nodes.json") };

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void FindOrNull_ReadsTheFileAgain_WhenItChanged_AndKeepsTheLastOneThatCouldBeRead()
    {
        var list = List();
        Write("""{"web1": {"facts": {"serial": "ABC"}, "mac": "52:54:00:00:00:01", "secretSha256": "00", "document": {"instanceId": "i-1"}}}""", 1);
        Assert.Equal("ABC", list.FindOrNull("web1")?.Facts["serial"]);
        Assert.Null(list.FindOrNull("web2"));

        Write("""{"web2": {}}""", 2);
        Assert.NotNull(list.FindOrNull("web2"));
        Assert.Null(list.FindOrNull("web1"));

        Write("""{"web3": {}, """, 3);
        Assert.NotNull(list.FindOrNull("web2"));
    }

    [Fact]
    public void IsSigned_BelievesTheConfiguredSignerAlone()
    {
        using var signer = RSA.Create(2048);
        using var stranger = RSA.Create(2048);
        options.DocumentSignerFile = Path.Combine(folder, "cloud.pem");
        File.WriteAllText(options.DocumentSignerFile, signer.ExportSubjectPublicKeyInfoPem());
        const string document = """{"instanceId":"i-1"}""";

        Assert.True(List().IsSigned(document, Sign(signer, document)));
        Assert.False(List().IsSigned(document, Sign(stranger, document)));
        Assert.False(List().IsSigned(document + " ", Sign(signer, document)));
        Assert.False(List().IsSigned(document, "no base64"));
    }

    [Fact]
    public void Validate_SaysWhatWouldRefuseEveryNode()
    {
        Write("""{"web1": {"fact": {}}}""", 1);
        Assert.Contains("AllowListFile", Failure(), StringComparison.Ordinal);

        Write("""{"web1": {"document": {"instanceId": "i-1"}}}""", 2);
        Assert.Contains("DocumentSignerFile", Failure(), StringComparison.Ordinal);

        Write("""{"web1": {}}""", 3);
        Assert.True(new NodeProofOptionsValidator().Validate(null, options).Succeeded);

        options.AllowListFile += ".missing";
        Assert.Contains("AllowListFile", Failure(), StringComparison.Ordinal);
    }

    private string Failure() => new NodeProofOptionsValidator().Validate(null, options).FailureMessage ?? "";

    private AllowList List() => new(Microsoft.Extensions.Options.Options.Create(options), NullLogger<AllowList>.Instance);

    private void Write(string json, int version)
    {
        File.WriteAllText(options.AllowListFile!, json);
        File.SetLastWriteTimeUtc(options.AllowListFile!, DateTime.UnixEpoch.AddDays(version));
    }

    private static string Sign(RSA key, string document) => Convert.ToBase64String(
        key.SignData(Encoding.UTF8.GetBytes(document), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
}
