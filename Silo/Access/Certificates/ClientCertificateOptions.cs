using ControlPlane.X509;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Callers who show a TLS client certificate. Section <c>Access:Certificates</c>. Off without a <see cref="CaFile"/>.</summary>
/// <remarks>
/// They are asked for one on every <c>https://</c> address, and need none. A key on a PKCS#11 token works like any other: TLS uses it.
/// </remarks>
public sealed class ClientCertificateOptions
{
    public const string Section = "Access:Certificates";

    /// <summary>
    /// Path of the PEM of the CAs that vouch for callers: roots, and the intermediates that clients do not send. Best of their own: whoever
    /// has a certificate of theirs is let in. It is read at start. Empty by default.
    /// </summary>
    public string CaFile { get; set; } = "";

    /// <summary>
    /// Path of the revocation lists of these CAs, PEM or DER. It is read again when it changes. Where it is set, a certificate is refused
    /// whose issuer has no list in it, or only one past its next update. Empty, the default: nobody is revoked.
    /// </summary>
    public string CrlFile { get; set; } = "";

    /// <summary>
    /// Which name of the certificate is the principal: <c>Email</c>, <c>Uri</c> or <c>Dns</c> of the subject alternative names, of which
    /// there must be just one, or <c>CommonName</c>. <c>Email</c> by default.
    /// </summary>
    public CertificateName Principal { get; set; } = CertificateName.Email;

    /// <summary>What is put before the name, so that it is nobody else's: <c>cert:</c>. Empty by default.</summary>
    public string Prefix { get; set; } = "";

    internal bool IsOn => CaFile.Length > 0;
}

/// <summary>Which of a certificate's names is meant.</summary>
public enum CertificateName
{
    Email,
    Uri,
    Dns,
    CommonName,
}

internal sealed class ClientCertificateOptionsValidator(TimeProvider time) : IValidateOptions<ClientCertificateOptions>
{
    public ValidateOptionsResult Validate(string? name, ClientCertificateOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        faults.RequireFile(options.CaFile, nameof(options.CaFile), needed: options.CrlFile.Length > 0);
        faults.RequireFile(options.CrlFile, nameof(options.CrlFile), needed: false);
        if (PemCertificates.FaultOfFile(options.CaFile) is { } unreadable)
        {
            faults.AddError(unreadable, nameof(options.CaFile));
        }
        else if (File.Exists(options.CrlFile) && File.Exists(options.CaFile))
        {
            foreach (var fault in RevocationLists.Read(options.CrlFile, options.CaFile, time.GetUtcNow()).Faults)
            {
                faults.AddError(fault, nameof(options.CrlFile));
            }
        }

        return faults.Build();
    }
}
