using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Vault;

/// <summary>Every fault at once; files are looked for here, and read when they are needed.</summary>
internal sealed class VaultOptionsValidator : IValidateOptions<VaultOptions>
{
    private const int ConcurrencyCeiling = 256;
    private static readonly TimeSpan TimeoutCeiling = TimeSpan.FromMinutes(2);

    public ValidateOptionsResult Validate(string? name, VaultOptions options)
    {
        var faults = new Faults($"{VaultOptions.Section}:{name}");
        faults.Require(
            options.Url is { IsAbsoluteUri: true } url && (url.Scheme == "https" || (url.Scheme == "http" && url.IsLoopback)),
            nameof(options.Url),
            "must be an https address, or http on the loopback");
        faults.Require(IsPath(options.Mount), nameof(options.Mount), "must be a path without slashes around it");
        faults.Require(IsPath(options.IssuerRef), nameof(options.IssuerRef), "must be a name or id");
        faults.Require(IsPath(options.Role), nameof(options.Role), "must name a role");
        faults.Require(options.EllipticRole is null || IsPath(options.EllipticRole), nameof(options.EllipticRole), "must name a role");
        faults.Require(
            options.Namespace is null || options.Namespace.Trim('/').Length > 0, nameof(options.Namespace), "must name a namespace");
        faults.RequireFile(options.ServerCaFile, nameof(options.ServerCaFile), needed: false);
        faults.Require(
            options.Timeout >= TimeSpan.FromSeconds(1) && options.Timeout <= TimeoutCeiling,
            nameof(options.Timeout),
            $"must be between 1 second and 2 minutes, is {options.Timeout}");
        faults.Require(
            options.ConcurrencyMax is >= 1 and <= ConcurrencyCeiling,
            nameof(options.ConcurrencyMax),
            $"must be between 1 and {ConcurrencyCeiling}, is {options.ConcurrencyMax}");
        AddLoginFaults(faults, options);
        return faults.Found.Count > 0 ? ValidateOptionsResult.Fail(faults.Found) : ValidateOptionsResult.Success;
    }

    private static void AddLoginFaults(Faults faults, VaultOptions options)
    {
        const string path = nameof(VaultOptions.Login);
        var login = options.Login;
        var method = login.Method;
        faults.Require(Enum.IsDefined(method), $"{path}:{nameof(login.Method)}", "must be Token, AppRole, Certificate or Kubernetes");
        faults.Require(
            login.Mount is null || IsPath(login.Mount), $"{path}:{nameof(login.Mount)}", "must be a path without slashes around it");
        faults.Require(
            method is not (VaultLoginMethod.Certificate or VaultLoginMethod.Kubernetes) || !string.IsNullOrEmpty(login.Role),
            $"{path}:{nameof(login.Role)}",
            $"must be given for {method}");
        faults.Require(
            method is not VaultLoginMethod.Certificate || options.Url?.Scheme == "https",
            nameof(options.Url),
            "must be https to log in by certificate");
        faults.RequireFile(login.TokenFile, $"{path}:{nameof(login.TokenFile)}", method is VaultLoginMethod.Token);
        faults.RequireFile(login.RoleIdFile, $"{path}:{nameof(login.RoleIdFile)}", method is VaultLoginMethod.AppRole);
        faults.RequireFile(login.SecretIdFile, $"{path}:{nameof(login.SecretIdFile)}", method is VaultLoginMethod.AppRole);
        var certificate = method is VaultLoginMethod.Certificate;
        faults.RequireFile(login.CertificateFile, $"{path}:{nameof(login.CertificateFile)}", certificate || login.KeyFile is not null);
        faults.RequireFile(login.KeyFile, $"{path}:{nameof(login.KeyFile)}", certificate || login.CertificateFile is not null);
        if (method is VaultLoginMethod.Kubernetes)
        {
            faults.RequireFile(login.JwtFile, $"{path}:{nameof(login.JwtFile)}", needed: true);
        }
    }

    private static bool IsPath(string text) =>
        text.Length > 0 && text.Trim('/') == text && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/');

    /// <summary>Gathers what is wrong, each with its full path.</summary>
    private sealed class Faults(string section)
    {
        public List<string> Found { get; } = [];

        public void Require(bool holds, string property, string rule)
        {
            if (!holds)
            {
                Found.Add($"{section}:{property} {rule}");
            }
        }

        public void RequireFile(string? path, string property, bool needed) => Require(
            string.IsNullOrEmpty(path) ? !needed : File.Exists(path),
            property,
            string.IsNullOrEmpty(path) ? "must name a file" : $"names '{path}', which is not there or may not be read");
    }
}
