using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.X509;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet;

/// <summary>The list of expected nodes, from a JSON file that is read again when it changes.</summary>
/// <remarks>A file that cannot be read leaves the last list in force: nobody is let in by mistake, and nobody is put out.</remarks>
internal sealed partial class AllowList(IOptions<NodeProofOptions> options, ILogger<AllowList> logger) : IExpectedNodes
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
    };

    private readonly Lock gate = new();
    private Dictionary<string, ExpectedNode> nodes = [];
    private FileStamp readAs;

    public ExpectedNode? FindOrNull(string identity)
    {
        lock (gate)
        {
            ReadIfChanged();
            return nodes.GetValueOrDefault(identity);
        }
    }

    public bool IsSigned(string document, string signature)
    {
        var proof = new byte[signature.Length];
        if (options.Value.DocumentSignerFile is not { } file || !Convert.TryFromBase64String(signature, proof, out var length))
        {
            return false;
        }

        using var signer = Open(file);
        return signer.VerifyData(
            Encoding.UTF8.GetBytes(document), proof.AsSpan(0, length), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    /// <exception cref="JsonException">It is no such list; the message says where.</exception>
    public static Dictionary<string, ExpectedNode> Read(string file)
    {
        using var content = File.OpenRead(file);
        return JsonSerializer.Deserialize<Dictionary<string, ExpectedNode>>(content, Json) ?? throw new JsonException("it is empty");
    }

    /// <exception cref="ArgumentException">It is neither a certificate nor a public key.</exception>
    public static RSA ReadSigner(string file)
    {
        var pem = File.ReadAllText(file);
        if (pem.Contains("CERTIFICATE", StringComparison.Ordinal))
        {
            using var certificate = PemCertificates.Read(pem)[0];
            return certificate.GetRSAPublicKey() ?? throw new ArgumentException("the certificate has no RSA key");
        }

        var key = RSA.Create();
        key.ImportFromPem(pem);
        return key;
    }

    // It was read at start; since then somebody may have replaced it.
    private static RSA Open(string file)
    {
        try
        {
            return ReadSigner(file);
        }
        catch (Exception unreadable) when (
            unreadable is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException)
        {
            throw new IOException(
                $"the file {file} of {nameof(NodeProofOptions.DocumentSignerFile)} cannot be read: {unreadable.Message}", unreadable);
        }
    }

    private void ReadIfChanged()
    {
        var file = options.Value.AllowListFile ?? "";
        try
        {
            var stamp = FileStamp.Of(file);
            if (stamp != readAs)
            {
                nodes = Read(file);
                readAs = stamp;
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException)
        {
            LogUnreadable(file, unreadable.Message);
        }
    }

    [LoggerMessage(LogLevel.Error, "The list of expected nodes '{File}' cannot be read, and what it said before is in force: {Reason}")]
    private partial void LogUnreadable(string file, string reason);
}

/// <summary>Reads at start what would otherwise refuse every node.</summary>
internal sealed class NodeProofOptionsValidator : IValidateOptions<NodeProofOptions>
{
    public ValidateOptionsResult Validate(string? name, NodeProofOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        var isDocumentDemanded = false;
        Try(options.AllowListFile, nameof(options.AllowListFile), file =>
            isDocumentDemanded = AllowList.Read(file).Values.Any(node => node.Document.Count > 0));
        Try(options.DocumentSignerFile, nameof(options.DocumentSignerFile), file => AllowList.ReadSigner(file).Dispose());
        if (isDocumentDemanded && options.DocumentSignerFile is null)
        {
            faults.AddError("must name who signs the documents that the list demands", nameof(options.DocumentSignerFile));
        }

        return faults.Build();

        void Try(string? file, string key, Action<string> read)
        {
            try
            {
                if (file is not null)
                {
                    read(file);
                }
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException
                or ArgumentException or CryptographicException)
            {
                faults.AddError($"cannot be read: {fault.Message}", key);
            }
        }
    }
}
