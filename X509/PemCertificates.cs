using System.Buffers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;

namespace ControlPlane.X509;

/// <summary>Reads certificates in PEM (RFC 7468): as many as there are BEGIN lines, or none with the line of the fault.</summary>
/// <remarks>
/// The platform's readers skip what they do not take for a block: of two that are glued together without a line break they find neither,
/// without a word. Text between blocks is allowed, as tools write it above each; anything but Base64 inside of one is not.
/// </remarks>
public static partial class PemCertificates
{
    private const string Certificate = "CERTIFICATE";
    private const string Dashes = "-----";

    private static readonly SearchValues<char> Base64 =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t");

    /// <summary>All certificates of a text, in their order; at least one.</summary>
    /// <exception cref="CryptographicException">There is none, or something that is none; the message names the line.</exception>
    public static X509Certificate2Collection Read(string pem) => [.. Blocks(pem).Select(Load)];

    /// <summary>All certificates of a file.</summary>
    /// <exception cref="CryptographicException">As of <see cref="Read"/>; the message begins with the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static X509Certificate2Collection ReadFile(string path)
    {
        var pem = File.ReadAllText(path);
        try
        {
            return Read(pem);
        }
        catch (CryptographicException fault)
        {
            throw new CryptographicException($"{path}: {fault.Message}", fault);
        }
    }

    /// <summary>What is wrong with a file, a phrase that follows its setting; null when nothing is, or it is not there.</summary>
    public static string? FaultOfFile(string? path)
    {
        try
        {
            _ = File.Exists(path) ? Read(File.ReadAllText(path)) : [];
            return null;
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return $"names a file that cannot be read as certificates in PEM: {unreadable.Message}";
        }
    }

    /// <summary>The same without loading them: loading costs more than a signature.</summary>
    /// <exception cref="CryptographicException">As of <see cref="Read"/>; what a block holds is not looked at.</exception>
    public static IReadOnlyList<byte[]> ReadDer(string pem) => [.. Blocks(pem).Select(block => block.Der)];

    /// <summary>What a TLS connection shows: the first certificate of a file with its key, and the intermediates below it.</summary>
    /// <inheritdoc cref="ReadFile" path="/exception"/>
    /// <exception cref="ArgumentException">The key is another certificate's, or none.</exception>
    public static SslStreamCertificateContext ReadOwn(string certificateFile, string keyFile) =>
        Own(ReadFile(certificateFile), File.ReadAllText(keyFile));

    /// <summary>The same of certificates that were read, the own one first.</summary>
    /// <exception cref="CryptographicException">The key cannot be read.</exception>
    /// <exception cref="ArgumentException">The key is another certificate's, or none.</exception>
    public static SslStreamCertificateContext Own(X509Certificate2Collection certificates, string keyPem) =>
        SslStreamCertificateContext.Create(WithKey(certificates[0], keyPem), [.. certificates.Skip(1)], offline: true);

    /// <summary>A certificate with its private key, PEM without a passphrase.</summary>
    /// <exception cref="CryptographicException">The key cannot be read.</exception>
    /// <exception cref="ArgumentException">The key is another certificate's, or none.</exception>
    public static X509Certificate2 WithKey(X509Certificate2 certificate, string keyPem) =>
#pragma warning disable RS0030 // The certificate was read above; the platform finds out what kind of key it has.
        X509Certificate2.CreateFromPem(certificate.ExportCertificatePem(), keyPem);
#pragma warning restore RS0030

    private static List<(int Line, byte[] Der)> Blocks(string pem)
    {
        var blocks = new List<(int Line, byte[] Der)>();
        var content = new StringBuilder();
        var (line, begun, label) = (0, 0, "");
        foreach (var whole in pem.AsSpan().EnumerateLines())
        {
            line++;
            var text = whole.Trim();
            if (begun == 0)
            {
                label = LabelOrNull(text.ToString(), line) ?? "";
                begun = label.Length > 0 ? line : 0;
            }
            else if (text.SequenceEqual($"-----END {label}-----"))
            {
                if (label is Certificate)
                {
                    blocks.Add((begun, Decode(content.ToString(), begun)));
                }

                content.Clear();
                begun = 0;
            }
            else if (label is Certificate ? text.ContainsAnyExcept(Base64) : text.Contains(Dashes, StringComparison.Ordinal))
            {
                throw new CryptographicException(
                    $"line {line} neither is Base64 nor ends, on a line of its own, the block that begins in line {begun}");
            }
            else
            {
                content.Append(text);
            }
        }

        return (blocks.Count, begun) switch
        {
            (_, > 0) => throw new CryptographicException($"the block that begins in line {begun} does not end"),
            (0, _) => throw new CryptographicException("there is no certificate in it"),
            _ => blocks,
        };
    }

    /// <summary>The label of the block that a line begins; null for text between blocks.</summary>
    private static string? LabelOrNull(string text, int line)
    {
        if (BeginLine().Match(text) is { Success: true } begin)
        {
            // Keys may be in the same file, as Azure wants its client certificates; whoever needs a key reads it.
            var label = begin.Groups[1].Value;
            return label is Certificate or "EC PARAMETERS" || label.EndsWith("PRIVATE KEY", StringComparison.Ordinal)
                ? label
                : throw new CryptographicException($"line {line} begins a block '{label}', where there may be '{Certificate}' only");
        }

        return text.Contains("-----BEGIN", StringComparison.Ordinal) || text.Contains("-----END", StringComparison.Ordinal)
            ? throw new CryptographicException(
                $"line {line} begins or ends a block and holds something else too, or ends one that did not begin")
            : null;
    }

    [GeneratedRegex("^-----BEGIN ([^-]+)-----$")]
    private static partial Regex BeginLine();

    private static byte[] Decode(string base64, int begun)
    {
        try
        {
            return Convert.FromBase64String(base64);
        }
        catch (FormatException fault)
        {
            throw new CryptographicException($"the certificate that begins in line {begun} is not whole Base64", fault);
        }
    }

    private static X509Certificate2 Load((int Line, byte[] Der) block)
    {
        try
        {
            return X509CertificateLoader.LoadCertificate(block.Der);
        }
        catch (CryptographicException fault)
        {
            throw new CryptographicException($"the block that begins in line {block.Line} is not a certificate: {fault.Message}", fault);
        }
    }
}
