using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Tests.Choria;

/// <summary>Signatures over nonces in the encodings that were tried on Choria's broker, with what it decided.</summary>
public sealed class NatsNonceTests
{
    private static readonly byte[] PublicKey = Convert.FromHexString("4c75e77c332602ebe9a61996a01248e36f9a5297b6e3f97b04ca8c216d4f0127");

    [Theory]
    [InlineData("jYVh53Utfqor5OE", "-4aX8zKHeh2FOJbSTjil9UECX3DnPsKHxdeqLguaVdZJZuTmcZZ_Cz7ayRAevLTzP19gOUKzMsemKMZaevtLBQ", true)]
    [InlineData("Vyec9YO7LaNxhQc", "S8CcFhkCxRfxQOSJIvccZz_kVQS14mf14Nal6PZ1WPRXh1dJfDnL8pJYddW-PiG-HZG7DNCbK39i0t6nlx2ICA==", false)]
    [InlineData("NmIhJev3QdvBJSI", "P8wNoWqxdD+TXUDU378zvtw2nBoFDN+T7HpBltHj+mtYftssD12rnk8LUvoV4AhjKzy4rQngkqpTHufpKqJWAQ==", false)]
    [InlineData("lxl6ntVB0ScS5nI", "2jGjy5s3uzE2nmVR5+psxU6y5ATG3jNhTucur6bH25KsCmdAvBooPQ0E/hlg6W9Loote2tV0jtMY6OIorZI1AQ", false)]
    [InlineData("Zru9Hm1g9BIw2mU", "ijp0H_QuBVMMAIDcfMgUlGPh1XNRGl4SoMHsKev69eiu3_SUXRCbH7Kc9xe-AiO2pj7SLFxMQi8C35ZIxlulCA", false)]
    [InlineData("edesPZx8W-V_GjA", "", false)]
    public void Verify_DecidesAsChoriasBroker(string nonce, string signature, bool accepted) =>
        Assert.Equal(accepted, NatsNonce.Verify(PublicKey, nonce, signature));
}
