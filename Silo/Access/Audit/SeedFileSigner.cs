using ControlPlane.Adapters.Choria;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Signs with the key of <see cref="AuditOptions.SigningSeedFile"/>, as it was at start.</summary>
internal sealed class SeedFileSigner : ISiteSigner, IDisposable
{
    private readonly Ed25519Key? key;

    public SeedFileSigner(IOptions<AuditOptions> options) =>
        key = options.Value.SigningSeedFile is { } path ? Read(path) : null;

    public string? PublicKey => key?.PublicKeyHex;

    public string Sign(ReadOnlySpan<byte> bytes) =>
        key?.SignHex(bytes) ?? throw new InvalidOperationException("there is no key to sign with");

    /// <summary>Whether a signature is of a key, as <see cref="AuditVerification"/> asks.</summary>
    public static bool IsSigned(string publicKey, byte[] bytes, string signature) => Ed25519Key.VerifyHex(publicKey, bytes, signature);

    /// <summary>Why a file holds no seed; null when it does.</summary>
    public static string? FaultOf(string path)
    {
        try
        {
            using var key = Read(path);
            return null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ChoriaFormatException)
        {
            return $"does not hold an Ed25519 seed of 64 hexadecimal digits: '{path}': {unreadable.Message}";
        }
    }

    public void Dispose() => key?.Dispose();

    private static Ed25519Key Read(string path) => Ed25519Key.FromSeedHex(File.ReadAllText(path).Trim());
}

internal sealed class AuditSeedValidator : IValidateOptions<AuditOptions>
{
    public ValidateOptionsResult Validate(string? name, AuditOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (options.SigningSeedFile is { } path && SeedFileSigner.FaultOf(path) is { } fault)
        {
            faults.AddError(fault, nameof(options.SigningSeedFile));
        }

        return faults.Build();
    }
}
