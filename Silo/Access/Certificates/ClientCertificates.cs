using System.Security.Claims;
using System.Security.Cryptography.X509Certificates;
using ControlPlane.Adapters.Fleet;
using ControlPlane.Configuration;
using ControlPlane.X509;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Certificate;
using Microsoft.Extensions.Options;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.X509;

namespace ControlPlane.Access;

/// <summary>How client certificates are verified, and whom they name.</summary>
internal sealed partial class ClientCertificates : IConfigureNamedOptions<CertificateAuthenticationOptions>
{
    public const string SchemeName = CertificateAuthenticationDefaults.AuthenticationScheme;

    private readonly ClientCertificateOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ClientCertificates> _logger;
    private readonly WatchedFiles<RevocationLists>? _lists;

    public ClientCertificates(IOptions<ClientCertificateOptions> options, TimeProvider time, ILogger<ClientCertificates> logger)
    {
        (_options, _time, _logger) = (options.Value, time, logger);
        _lists = _options.CrlFile.Length == 0 ? null : new WatchedFiles<RevocationLists>(
            [_options.CrlFile], () => RevocationLists.Read(_options.CrlFile, _options.CaFile, time.GetUtcNow()), time, Tell);
    }

    /// <summary>Why certificates are refused that would be good: revocation lists that were not renewed.</summary>
    public IEnumerable<string> Concerns => _lists is null ? [] : _lists.Current?.Stale(_time.GetUtcNow()) ?? _lists.Faults;

    public static void AddTo(AuthenticationBuilder authentication)
    {
        var services = authentication.Services;
        services.AddSingleton<IValidateOptions<ClientCertificateOptions>, ClientCertificateOptionsValidator>();
        services.AddOptions<ClientCertificateOptions>().BindConfiguration(ClientCertificateOptions.Section).ValidateOnStart();
        services.AddSingleton<ClientCertificates>();
        services.AddSingleton<IConfigureOptions<CertificateAuthenticationOptions>>(
            provider => provider.GetRequiredService<ClientCertificates>());
        authentication.AddCertificate(SchemeName, _ => { });
    }

    public void Configure(CertificateAuthenticationOptions options) => Configure(SchemeName, options);

    public void Configure(string? name, CertificateAuthenticationOptions certificates)
    {
        certificates.AllowedCertificateTypes = CertificateTypes.Chained;
        certificates.ChainTrustValidationMode = X509ChainTrustMode.CustomRootTrust;
        certificates.ValidateCertificateUse = true;
        certificates.ValidateValidityPeriod = true;

        // By the file, not by what a certificate says where to look.
        certificates.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var authority in _options.IsOn ? PemCertificates.ReadFile(_options.CaFile) : [])
        {
            var isRoot = authority.SubjectName.RawData.AsSpan().SequenceEqual(authority.IssuerName.RawData);
            (isRoot ? certificates.CustomTrustStore : certificates.AdditionalChainCertificates).Add(authority);
        }

        certificates.Events = new CertificateAuthenticationEvents
        {
            OnCertificateValidated = context =>
            {
                Accept(context);
                return Task.CompletedTask;
            },
        };
    }

    private void Accept(CertificateValidatedContext context)
    {
        var shown = new X509CertificateParser().ReadCertificate(context.ClientCertificate.RawData);
        if (ForeignPage.Asks(context.Request))
        {
            // Browsers show certificates by themselves, to other sites' pages too.
            context.Fail("a page of another site asks for a change");
        }
        else if (FaultByLists(shown) is { } fault)
        {
            LogRefused(context.ClientCertificate.SerialNumber, fault);
            context.Fail(fault);
        }
        else if (PrincipalOf(shown) is { } principal)
        {
            context.Principal = AccessClaims.Principal(
                CallerMethod.Certificate,
                _options.Prefix + principal,
                new Claim(AccessClaims.Credential, context.ClientCertificate.SerialNumber));
            context.Success();
        }
        else
        {
            context.Fail($"the certificate has not just one name of the kind {_options.Principal}");
        }
    }

    private string? FaultByLists(Org.BouncyCastle.X509.X509Certificate certificate) => _lists is null ? null
        : _lists.Current is { } lists ? lists.Fault(certificate, _time.GetUtcNow())
        : "no revocation list can be used";

    private void Tell(FilesRead<RevocationLists> read)
    {
        if (read.Faults.Count > 0)
        {
            LogKept(string.Join("; ", read.Faults));
        }
    }

    private string? PrincipalOf(Org.BouncyCastle.X509.X509Certificate certificate)
    {
        var names = _options.Principal == CertificateName.CommonName
            ? certificate.SubjectDN.GetValueList(X509Name.CN)
            : AlternativeNames(certificate, _options.Principal);
        return names is [var name] && AccessClaims.IsName(name) ? name : null;
    }

    private static List<string> AlternativeNames(Org.BouncyCastle.X509.X509Certificate certificate, CertificateName kind)
    {
        var tag = kind switch
        {
            CertificateName.Email => GeneralName.Rfc822Name,
            CertificateName.Uri => GeneralName.UniformResourceIdentifier,
            _ => GeneralName.DnsName,
        };
        return certificate.GetExtensionValue(X509Extensions.SubjectAlternativeName) is { } names
            ? [.. GeneralNames.GetInstance(Asn1Object.FromByteArray(names.GetOctets())).GetNames()
                .Where(name => name.TagNo == tag).Select(name => ((IAsn1String)name.Name).GetString())]
            : [];
    }

    [LoggerMessage(LogLevel.Warning, "The client certificate {Serial} is refused: {Fault}")]
    private partial void LogRefused(string serial, string fault);

    [LoggerMessage(LogLevel.Error, "The revocation lists changed and cannot be used; the last good ones hold until they end: {Faults}")]
    private partial void LogKept(string faults);
}
